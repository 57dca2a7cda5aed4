//! JSON schemas of events whose structs flatten others.

use utoipa::openapi::{Object, RefOr, Schema, Type};

/// The schema of a struct with flattened fields, as one object: all its fields stand on one level, as they do in JSON.
pub(super) fn flattened(schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::AllOf(all)) = schema else {
        return schema;
    };
    let mut merged = Object::with_type(Type::Object);
    merged.description = all.description;
    for part in all.items {
        if let RefOr::T(Schema::Object(object)) = flattened(part) {
            merged.required.extend(object.required);
            merged.properties.extend(object.properties);
        }
    }
    merged.into()
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::{AllOfBuilder, ObjectBuilder};

    use super::*;

    fn object(field: &str) -> ObjectBuilder {
        ObjectBuilder::new()
            .property(field, Object::with_type(Type::String))
            .required(field)
    }

    #[test]
    fn the_fields_of_nested_structs_are_on_one_level() {
        let inner = AllOfBuilder::new().item(object("a")).item(object("b"));
        let outer = AllOfBuilder::new().item(inner).item(object("c"));
        let RefOr::T(Schema::Object(merged)) = flattened(Schema::from(outer).into()) else {
            panic!("one object")
        };
        let names: Vec<_> = merged.properties.keys().cloned().collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(merged.required, ["a", "b", "c"]);
    }

    #[test]
    fn a_schema_without_nested_structs_stays_as_it_is() {
        let schema: RefOr<Schema> = Schema::from(object("a")).into();
        assert!(flattened(schema.clone()) == schema);
    }
}

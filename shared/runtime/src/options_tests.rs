//! What is taken as a schema, and as options of one.

use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "planets": { "type": "integer", "minimum": 3, "maximum": 12 },
            "name": { "type": "string", "pattern": "^[a-z]{1,8}$" },
            "rules": { "type": "object", "properties": { "fog": { "type": "boolean" } } }
        }
    })
}

fn problems(options: Value) -> Vec<(String, String)> {
    let Value::Object(options) = options else {
        panic!("options are an object")
    };
    let problems = check(Some(&schema()), &options).err().unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| (problem.pointer, problem.reason))
        .collect()
}

#[test]
fn options_are_what_the_schema_says_and_each_problem_has_its_place() {
    assert_eq!(check_schema(&schema()), Ok(()));
    assert_eq!(problems(json!({})), []);
    let right = json!({ "planets": 7, "name": "orion", "rules": { "fog": true } });
    assert_eq!(problems(right), []);
    let wrong = json!({ "planets": 99, "rules": { "fog": 1 } });
    let places: Vec<_> = problems(wrong).into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["/planets", "/rules/fog"]);
    let unknown = problems(json!({ "colour": "red" }));
    assert_eq!(unknown.len(), 1);
    assert!(
        unknown[0].0.is_empty() && unknown[0].1.contains("colour"),
        "{unknown:?}"
    );
    let not_shown = problems(json!({ "name": "SECRET" }));
    assert!(!not_shown[0].1.contains("SECRET"), "{not_shown:?}");
}

#[test]
fn without_a_schema_there_are_no_options() {
    assert_eq!(check(None, &Map::new()), Ok(()));
    let some = Map::from_iter([("planets".to_owned(), json!(5))]);
    assert_eq!(check(None, &some).unwrap_err()[0].pointer, "");
}

#[test]
fn options_are_bounded_whatever_the_schema_takes() {
    let open = json!({ "type": "object" });
    let refused = |value: Value| {
        let options = Map::from_iter([("a".to_owned(), value)]);
        check(Some(&open), &options).unwrap_err()[0].reason.clone()
    };
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    assert!(refused(deep).contains("levels"));
    assert!(refused(json!("x".repeat(MAX_OPTIONS))).contains("8 KiB"));
    assert!(refused(json!("a\0b")).contains("control"));
    assert!(refused(json!({ "a\u{1b}": 1 })).contains("control"));
}

#[test]
fn a_schema_that_refers_to_something_or_is_none_is_refused() {
    let object = |more: Value| {
        let mut schema = json!({ "type": "object" });
        for (name, member) in more.as_object().unwrap() {
            schema[name] = member.clone();
        }
        check_schema(&schema).unwrap_err()
    };
    for reference in [
        json!({ "$ref": "#" }),
        json!({ "properties": { "a": { "$ref": "https://example.org/schema" } } }),
        json!({ "$id": "file:///etc/passwd" }),
        json!({ "allOf": [{ "$dynamicRef": "#x" }] }),
    ] {
        let refused = object(reference.clone());
        assert!(
            matches!(refused, InvalidSchema::Reference(_)),
            "{reference}: {refused}"
        );
    }
    let draft = json!({ "$schema": "http://json-schema.org/draft-07/schema#" });
    assert_eq!(object(draft), InvalidSchema::Dialect);
    for broken in [
        json!({ "properties": 7 }),
        json!({ "minProperties": -1 }),
        json!({ "properties": { "a": { "pattern": "(" } } }),
        // Look-around, which would take the engine that backtracks, and one that is too large.
        json!({ "properties": { "a": { "pattern": "(?=a)b" } } }),
        json!({ "properties": { "a": { "pattern": "((a{100}){100}){100}" } } }),
    ] {
        let refused = object(broken.clone());
        assert!(
            matches!(refused, InvalidSchema::NotASchema(_)),
            "{broken}: {refused}"
        );
    }
    assert_eq!(check_schema(&json!({})), Err(InvalidSchema::NotAnObject));
    for out_of_bounds in [
        json!([]),
        json!({ "type": "object", "title": "x".repeat(MAX_SCHEMA) }),
        json!({ "type": "object", "title": "\0" }),
    ] {
        assert_eq!(check_schema(&out_of_bounds), Err(InvalidSchema::Bounds));
    }
}

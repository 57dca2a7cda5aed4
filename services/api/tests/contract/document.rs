//! The document as a test reads it.

use galaxy_api::routes;
use serde_json::{Value, json};

/// The REST document.
pub struct Document(Value);

/// One operation of it.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub tag: String,
    pub spec: Value,
}

impl Document {
    pub fn load() -> Self {
        Self(serde_json::to_value(routes::document()).expect("the document is JSON"))
    }

    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().expect("paths");
        let mut all = vec![];
        for (path, item) in paths {
            for (method, spec) in item.as_object().expect("methods") {
                all.push(Operation {
                    id: spec["operationId"]
                        .as_str()
                        .expect("an operation id")
                        .to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    tag: spec["tags"][0].as_str().expect("a tag").to_owned(),
                    spec: spec.clone(),
                });
            }
        }
        all
    }

    #[track_caller]
    pub fn operation(&self, id: &str) -> Operation {
        let found = self
            .operations()
            .into_iter()
            .find(|operation| operation.id == id);
        found.unwrap_or_else(|| panic!("the document has no operation {id}"))
    }

    /// Panics unless the document promises `status` for the operation, with a body such as `body`.
    #[track_caller]
    pub fn check(&self, operation: &Operation, status: u16, body: &Value) {
        let id = &operation.id;
        let response = &operation.spec["responses"][status.to_string()];
        assert!(
            !response.is_null(),
            "{id} answered {status}, which the document does not know: {body}"
        );
        let Some(content) = response["content"].as_object() else {
            assert!(
                body.is_null(),
                "{id} answered {status} with a body, which the document does not know: {body}"
            );
            return;
        };
        let Some(content) = content.get("application/json") else {
            return;
        };
        let mut schema = content["schema"].clone();
        schema["components"] = json!({ "schemas": self.0["components"]["schemas"] });
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<_> = validator
            .iter_errors(body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{id} answered {status} with {body}: {errors:?}"
        );
        let unknown = self.unknown_members(&content["schema"], body);
        assert!(
            unknown.is_empty(),
            "{id} answered with members that the document does not know: {unknown:?}"
        );
    }

    /// Members of `body` that `schema` does not name, looked for at the top and in pages.
    fn unknown_members(&self, schema: &Value, body: &Value) -> Vec<String> {
        let Value::Object(members) = body else {
            return vec![];
        };
        let known = self.properties(schema);
        if known.is_empty() {
            return vec![];
        }
        members
            .keys()
            .filter(|name| !known.contains(name))
            .cloned()
            .collect()
    }

    /// Whether the schema or one of its members shows an example.
    pub fn has_example(&self, schema: &Value) -> bool {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return self.has_example(&self.0["components"]["schemas"][name]);
        }
        let shows = |schema: &Value| !schema["example"].is_null() || schema["examples"].is_array();
        let members = schema["properties"].as_object();
        shows(schema) || members.is_some_and(|members| members.values().any(shows))
    }

    fn properties(&self, schema: &Value) -> Vec<String> {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return self.properties(&self.0["components"]["schemas"][name]);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return parts
                .iter()
                .flat_map(|part| self.properties(part))
                .collect();
        }
        let named = schema["properties"].as_object();
        named
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default()
    }
}

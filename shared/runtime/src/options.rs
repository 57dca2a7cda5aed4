//! The options of a game: a JSON object that the engine version's own schema describes (JSON Schema 2020-12).
//!
//! Both are bounded before anything is done with them, and a schema refers to nothing, not even within itself: what it costs
//! to check options follows from its size. Patterns are those of the linear-time engine, without look-around.

use galaxy_core::text;
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

/// The largest schema as compact JSON, in bytes.
pub const MAX_SCHEMA: usize = 16 << 10;
/// The largest options as compact JSON, in bytes.
pub const MAX_OPTIONS: usize = 8 << 10;

const MAX_SCHEMA_DEPTH: usize = 32;
const MAX_OPTIONS_DEPTH: usize = 8;
/// Problems that are told at once.
const MAX_PROBLEMS: usize = 10;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 256 << 10;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What would make a schema refer to another place.
const REFERENCES: [&str; 7] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
];

/// Why something is not a schema of options; completes "options_schema …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchema {
    /// Too large or too deep, or a text with NUL.
    #[error("must be a JSON object of at most 16 KiB and 32 levels, without NUL characters")]
    Bounds,
    /// Another dialect.
    #[error(
        "must be JSON Schema 2020-12: leave $schema out, or say https://json-schema.org/draft/2020-12/schema"
    )]
    Dialect,
    /// It refers to something.
    #[error("must not have {0}: write out what it refers to")]
    Reference(String),
    /// It does not describe objects.
    #[error("must have \"type\": \"object\"")]
    NotAnObject,
    /// Not a schema, in the words of the validator.
    #[error("is not a schema: {0}")]
    NotASchema(String),
}

/// What is wrong with options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionProblem {
    /// JSON pointer into the options; empty for the whole.
    pub pointer: String,
    /// One sentence.
    pub reason: String,
}

/// Whether `schema` can describe options.
pub fn check_schema(schema: &Value) -> Result<(), InvalidSchema> {
    let fits = schema.is_object()
        && depth_of(schema, MAX_SCHEMA_DEPTH).is_some()
        && all_texts(schema, &|text| !text.contains('\0'))
        && size_of(schema) <= MAX_SCHEMA;
    if !fits {
        return Err(InvalidSchema::Bounds);
    }
    if schema
        .get("$schema")
        .is_some_and(|dialect| dialect != DIALECT)
    {
        return Err(InvalidSchema::Dialect);
    }
    if let Some(name) = reference_in(schema) {
        return Err(InvalidSchema::Reference(name.to_owned()));
    }
    if schema.get("type") != Some(&Value::from("object")) {
        return Err(InvalidSchema::NotAnObject);
    }
    compile(schema).map(drop)
}

/// Whether `options` are what the version's `schema` asks for. Without a schema there are none.
pub fn check(
    schema: Option<&Value>,
    options: &Map<String, Value>,
) -> Result<(), Vec<OptionProblem>> {
    let options = Value::Object(options.clone());
    check_bounds(&options)?;
    let Some(schema) = schema else {
        return match &options {
            Value::Object(members) if members.is_empty() => Ok(()),
            _ => Err(whole("must be empty: the engine version has no options")),
        };
    };
    let validator = compile(schema)
        .map_err(|error| whole(format!("cannot be checked: the version's schema {error}")))?;
    let problems: Vec<_> = validator
        .iter_errors(&options)
        .take(MAX_PROBLEMS)
        .map(|error| OptionProblem {
            pointer: error.instance_path().to_string(),
            reason: text::printable(error.masked().to_string().as_bytes(), 200),
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn check_bounds(options: &Value) -> Result<(), Vec<OptionProblem>> {
    if depth_of(options, MAX_OPTIONS_DEPTH).is_none() {
        return Err(whole("must have at most 8 levels"));
    }
    if size_of(options) > MAX_OPTIONS {
        return Err(whole("must have at most 8 KiB"));
    }
    if !all_texts(options, &|text| !text.chars().any(char::is_control)) {
        return Err(whole("must have no control characters in names and texts"));
    }
    Ok(())
}

fn whole(reason: impl Into<String>) -> Vec<OptionProblem> {
    vec![OptionProblem {
        pointer: String::new(),
        reason: reason.into(),
    }]
}

fn compile(schema: &Value) -> Result<Validator, InvalidSchema> {
    let patterns = PatternOptions::regex()
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(patterns)
        .should_validate_formats(false)
        .build(schema)
        .map_err(|error| {
            let place = error.instance_path().to_string();
            let text = format!("{error} at {place:?}");
            InvalidSchema::NotASchema(text::printable(text.as_bytes(), 300))
        })
}

fn size_of(value: &Value) -> usize {
    value.to_string().len()
}

/// How many levels `value` has; `None` if more than `most`.
fn depth_of(value: &Value, most: usize) -> Option<usize> {
    let below = most.checked_sub(1)?;
    let inner: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => return Some(1),
    };
    inner.into_iter().try_fold(1, |deepest: usize, inner| {
        Some(deepest.max(1 + depth_of(inner, below)?))
    })
}

fn all_texts(value: &Value, is_right: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_right(text),
        Value::Array(items) => items.iter().all(|item| all_texts(item, is_right)),
        Value::Object(members) => members
            .iter()
            .all(|(name, member)| is_right(name) && all_texts(member, is_right)),
        _ => true,
    }
}

fn reference_in(schema: &Value) -> Option<&str> {
    match schema {
        Value::Array(items) => items.iter().find_map(reference_in),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let refers = REFERENCES.contains(&name.as_str());
            refers
                .then_some(name.as_str())
                .or_else(|| reference_in(member))
        }),
        _ => None,
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;

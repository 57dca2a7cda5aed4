//! Converts the payload of a request into path, query and body of the back end's operation. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{refusal::Refusal, routes::Route};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The request to the back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendCall {
    pub path_and_query: String,
    /// JSON, as the client sent it.
    pub body: Option<Bytes>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Payload<'a> {
    path: BTreeMap<String, String>,
    query: BTreeMap<String, Scalar>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Fills the route's path from the payload.
pub fn call(route: &Route, payload: &[u8]) -> Result<BackendCall, Refusal> {
    let mut payload = parse(payload)?;
    let mut path_and_query = String::with_capacity(route.path.len() + 64);
    for segment in route.path.split('/').skip(1) {
        path_and_query.push('/');
        match parameter(segment) {
            Some(name) => {
                let value = payload.path.remove(name).ok_or_else(|| missing(name))?;
                // Dots are not encoded, and a segment of dots would leave the path.
                if matches!(value.as_str(), "" | "." | "..") {
                    return Err(missing(name));
                }
                encode(&value, &mut path_and_query);
            }
            None => path_and_query.push_str(segment),
        }
    }
    if let Some(name) = payload.path.keys().next() {
        return Err(invalid(format!("path has no parameter {}", shorten(name))));
    }
    let mut separator = '?';
    for (name, value) in &payload.query {
        path_and_query.push(separator);
        encode(name, &mut path_and_query);
        path_and_query.push('=');
        encode(&value.text(), &mut path_and_query);
        separator = '&';
    }
    let body = payload
        .body
        .map(|body| Bytes::copy_from_slice(body.get().as_bytes()));
    Ok(BackendCall {
        path_and_query,
        body,
    })
}

fn parse(payload: &[u8]) -> Result<Payload<'_>, Refusal> {
    if payload.is_empty() {
        return Ok(Payload::default());
    }
    serde_json::from_slice(payload)
        .map_err(|error| invalid(format!("payload is not {{path, query, body}}: {error}")))
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn encode(text: &str, into: &mut String) {
    into.extend(utf8_percent_encode(text, RESERVED));
}

fn missing(name: &str) -> Refusal {
    invalid(format!("path.{name} is missing"))
}

fn invalid(message: String) -> Refusal {
    Refusal::InvalidRequest(message)
}

fn shorten(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::*;

    fn route() -> Route {
        Route {
            operation_id: "get_report".into(),
            method: Method::GET,
            path: "/api/v1/user/games/{game_id}/reports/{turn}".into(),
        }
    }

    #[test]
    fn parameters_fill_the_path_and_the_body_stays_as_it_is() {
        let payload = br#"{"path":{"turn":"3","game_id":"a b"},
            "query":{"limit":5,"q":"x&y","all":true},"body":{ "n" : 1.10 }}"#;
        let call = call(&route(), payload).unwrap();
        assert_eq!(
            call.path_and_query,
            "/api/v1/user/games/a%20b/reports/3?all=true&limit=5&q=x%26y"
        );
        assert_eq!(call.body.unwrap(), r#"{ "n" : 1.10 }"#);
    }

    #[test]
    fn a_payload_that_does_not_fit_the_path_is_refused() {
        for payload in [
            r"",
            r"{}",
            r#"{"path":{"game_id":"a"}}"#,
            r#"{"path":{"game_id":"a","turn":""}}"#,
            r#"{"path":{"game_id":"..","turn":"1"}}"#,
            r#"{"path":{"game_id":"a","turn":"1","other":"2"}}"#,
            r#"{"path":{"game_id":"a","turn":1}}"#,
            r#"{"path":{"game_id":"a","turn":"1"},"method":"DELETE"}"#,
            r#"{"path":{"game_id":"a","turn":"1"},"query":{"x":{}}}"#,
            r"[]",
            r"{",
        ] {
            assert!(call(&route(), payload.as_bytes()).is_err(), "{payload}");
        }
    }

    proptest! {
        #[test]
        fn no_value_changes_the_structure_of_the_path(game in ".{1,20}", query in ".{0,20}") {
            let payload = serde_json::json!({
                "path": { "game_id": game, "turn": "1" },
                "query": { "q": query },
            });
            if let Ok(call) = call(&route(), payload.to_string().as_bytes()) {
                let uri: http::Uri = call.path_and_query.parse().unwrap();
                prop_assert_eq!(uri.path().split('/').count(), 8);
                prop_assert!(uri.path().ends_with("/reports/1"));
                prop_assert!(uri.query().unwrap().starts_with("q="));
                prop_assert!(!uri.query().unwrap().contains(['&', '#']));
            } else {
                prop_assert!(game == "." || game == "..");
            }
        }
    }
}

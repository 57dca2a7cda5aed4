//! A request for one notification, and the rules that it must follow.

use galaxy_core::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::kind::Kind;

/// The largest payload, in bytes of JSON.
const MAX_PAYLOAD: usize = 16 * 1024;
/// The longest idempotency key, in characters.
const MAX_KEY: usize = 200;

/// Who gets a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Recipient {
    /// A player: over all channels of the kind.
    User(UserId),
    /// Everybody in `BACKEND_OPERATOR_EMAILS`, by mail.
    Operators,
}

impl Recipient {
    /// The account of a player; `None` for operators.
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Operators => None,
        }
    }
}

/// A request to notify one recipient of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The name of a [`Kind`]; unchecked, since it may come from another process.
    pub kind: String,
    /// Identifies the notification among those of its kind: a key is submitted once. 1–200 characters.
    pub idempotency_key: String,
    /// Who is notified.
    pub recipient: Recipient,
    /// The values that its texts are rendered from: a JSON object.
    pub payload: Value,
}

impl Intent {
    /// The kind and the payload's members; an error names the broken rule.
    pub(crate) fn check(&self) -> Result<(&'static Kind, &Map<String, Value>), String> {
        let kind = Kind::find(&self.kind)
            .ok_or_else(|| format!("the kind {:?} is not known", shortened(&self.kind)))?;
        let key_length = self.idempotency_key.chars().count();
        if !(1..=MAX_KEY).contains(&key_length) || self.idempotency_key.contains('\0') {
            return Err(format!(
                "the idempotency key must have 1 to {MAX_KEY} characters"
            ));
        }
        let Value::Object(members) = &self.payload else {
            return Err("the payload is not a JSON object".to_owned());
        };
        let text = self.payload.to_string();
        if text.len() > MAX_PAYLOAD {
            return Err(format!("the payload is larger than {MAX_PAYLOAD} bytes"));
        }
        // JSON allows null characters, Postgres cannot store them.
        if text.contains("\\u0000") {
            return Err("the payload holds a null character".to_owned());
        }
        match kind
            .fields
            .iter()
            .find(|field| members.get(**field).is_none_or(Value::is_null))
        {
            Some(missing) => Err(format!("the payload has no {missing}")),
            None => Ok((kind, members)),
        }
    }

    /// The intent as it is stored when it is malformed.
    pub(crate) fn as_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "idempotency_key": self.idempotency_key,
            "user_id": self.recipient.user_id(),
            "payload": self.payload,
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent() -> Intent {
        Intent {
            kind: "lobby.race_name.registered".to_owned(),
            idempotency_key: "key".to_owned(),
            recipient: Recipient::Operators,
            payload: json!({ "name": "Zorg" }),
        }
    }

    #[test]
    fn an_error_names_the_broken_rule() {
        type Break = fn(&mut Intent);
        assert!(intent().check().is_ok());
        let broken: [(&str, Break); 7] = [
            ("kind", |i| i.kind = "lobby.unknown".to_owned()),
            ("key", |i| i.idempotency_key = String::new()),
            ("key", |i| i.idempotency_key = "k".repeat(201)),
            ("object", |i| i.payload = json!([1])),
            ("no name", |i| i.payload = json!({ "name": null })),
            ("larger", |i| {
                i.payload = json!({ "name": "x".repeat(20_000) });
            }),
            ("null character", |i| i.payload = json!({ "name": "\0" })),
        ];
        for (word, break_it) in broken {
            let mut intent = intent();
            break_it(&mut intent);
            let reason = intent.check().unwrap_err();
            assert!(reason.contains(word), "{word}: {reason}");
        }
    }
}

//! What somebody is to be told, and the rules that it must keep.

use galaxy_core::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::kind::Kind;

/// The largest payload, in bytes of JSON.
const MAX_PAYLOAD: usize = 16 * 1024;
/// The longest idempotency key, in characters.
const MAX_KEY: usize = 200;

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Recipient {
    /// A player.
    User(UserId),
    /// Those who run the platform, by mail.
    Operators,
}

impl Recipient {
    /// The player, if it is one.
    pub fn user_id(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Operators => None,
        }
    }
}

/// Somebody is to be told something.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Which kind of notification.
    pub kind: String,
    /// The same key of the same kind asks for the same notification: it is given once. 1–200 characters.
    pub idempotency_key: String,
    /// Who is told.
    pub recipient: Recipient,
    /// What its texts need: a JSON object.
    pub payload: Value,
}

impl Intent {
    /// The kind and the payload's members, or what is wrong with the intent.
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
        // JSON allows it, Postgres cannot keep it.
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

    /// The intent as it is kept when it cannot be followed.
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
    fn each_broken_rule_is_named() {
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

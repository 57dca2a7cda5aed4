//! Stores refused intents with the reason, so that they do not block the events after them.

use galaxy_core::EventId;
use galaxy_store::{Result, Tx};
use serde_json::Value;
use uuid::Uuid;

/// The longest reason that is stored, in characters.
const MAX_REASON: usize = 1_000;

/// Stores a refused intent for [`crate::list::malformed`].
pub async fn record(
    tx: &mut Tx,
    payload: &Value,
    reason: &str,
    event_id: Option<EventId>,
) -> Result<()> {
    tracing::warn!(
        event_id = event_id.map(|id| id.to_string()),
        "a malformed intent was stored"
    );
    let reason: String = reason
        .chars()
        .filter(|c| *c != '\0')
        .take(MAX_REASON)
        .collect();
    sqlx::query!(
        "insert into backend.notification_malformed_intents (id, payload, reason, event_id) values ($1, $2, $3, $4)",
        Uuid::now_v7(),
        without_nulls(payload),
        if reason.is_empty() { "unknown" } else { &reason },
        event_id.map(EventId::uuid),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Parses the bytes; what is not JSON becomes a JSON string.
pub fn as_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// Replaces null characters, which JSON allows and Postgres cannot store.
fn without_nulls(value: &Value) -> Value {
    let text = value.to_string();
    if text.contains("\\u0000") {
        Value::String(text.replace("\\u0000", "\u{fffd}"))
    } else {
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_that_are_not_json_become_a_string() {
        assert_eq!(as_json(b"{\"a\":1}"), json!({ "a": 1 }));
        assert_eq!(as_json(b"{\"a\":"), json!("{\"a\":"));
        assert_eq!(as_json(b"\xff"), json!("\u{fffd}"));
    }

    #[test]
    fn a_value_with_null_characters_becomes_a_string_without_them() {
        let clean = json!({ "a": "b" });
        assert_eq!(without_nulls(&clean), clean);
        let stored = without_nulls(&json!({ "a": "b\0" }));
        assert_eq!(stored, json!("{\"a\":\"b\u{fffd}\"}"));
    }
}

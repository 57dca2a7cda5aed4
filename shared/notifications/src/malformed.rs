//! Keeps what could not be understood, with the reason, instead of blocking what follows it.

use galaxy_core::EventId;
use galaxy_store::{Result, Tx};
use serde_json::Value;
use uuid::Uuid;

/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 1_000;

/// Keeps `payload`; it is seen through [`crate::list::malformed`].
pub async fn keep(
    tx: &mut Tx,
    payload: &Value,
    reason: &str,
    event_id: Option<EventId>,
) -> Result<()> {
    tracing::warn!(
        event_id = event_id.map(|id| id.to_string()),
        "a malformed intent was kept"
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

/// JSON from bytes that may be none: what is no JSON becomes a JSON string.
pub fn as_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// JSON allows null characters, Postgres cannot keep them.
fn without_nulls(value: &Value) -> Value {
    let text = value.to_string();
    if text.contains("\\u0000") {
        Value::String(text.replace("\\u0000", "\u{fffd}"))
    } else {
        value.clone()
    }
}

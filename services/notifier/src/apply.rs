//! Applies one event: submits the intents of the table, or drops the notifications of a deleted account.

use std::sync::Arc;

use galaxy_core::{Clock, EventId};
use galaxy_events::{AnyEvent, Envelope, Handler, Verdict};
use galaxy_notifications::{Cause, Settings, Submitted, drop_for_user, malformed, submit};
use galaxy_store::{Result, Tx};
use serde_json::Value;

use crate::table;

/// The consumer of all events.
pub struct Notifier {
    settings: Arc<Settings>,
    clock: Clock,
}

impl Notifier {
    pub fn new(settings: Arc<Settings>, clock: Clock) -> Self {
        Self { settings, clock }
    }
}

impl Handler for Notifier {
    async fn apply(&self, tx: &mut Tx, envelope: &Envelope) -> Result<Verdict> {
        let event = match envelope.event() {
            Ok(Some(event)) => event,
            // An event type of a newer version; this version has no rule for it.
            Ok(None) => return Ok(Verdict::Done),
            Err(undecodable) => {
                let payload = malformed::as_json(&envelope.data);
                let reason = undecodable.to_string();
                malformed::record(tx, &payload, &reason, Some(envelope.id)).await?;
                return Ok(Verdict::Never(reason));
            }
        };
        if let AnyEvent::AccountDeleted(deleted) = &event {
            drop_for_user(tx, deleted.user_id).await?;
            return Ok(Verdict::Done);
        }
        let intents = table::intents(&event, envelope.id, envelope.time);
        let cause = Cause {
            event_id: Some(envelope.id),
            now: self.clock.now(),
        };
        if !intents.is_empty() {
            let outcomes = submit(tx, &self.settings, cause, &intents).await?;
            let created = outcomes
                .iter()
                .filter(|outcome| matches!(outcome, Submitted::Created(_)));
            tracing::debug!(
                created = created.count(),
                intents = outcomes.len(),
                "submitted notifications"
            );
        }
        Ok(Verdict::Done)
    }

    async fn unreadable(&self, tx: &mut Tx, payload: &[u8], reason: &str) -> Result<()> {
        let payload: Value = malformed::as_json(payload);
        malformed::record(tx, &payload, reason, None::<EventId>).await
    }
}

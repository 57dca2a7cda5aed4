//! The publisher's side of the push stream: events for players' devices, written to the outbox like any event.

use galaxy_core::{DeviceSessionId, EventId, OpenEnum, RevocationReason, UserId};
use galaxy_proto::push::v1::{
    ClientEvent, PushEvent, SessionInvalidation, push_event::Event, session_invalidation::Target,
};
use galaxy_service::telemetry;
use galaxy_store::{Result, Tx};
use prost::Message as _;

use crate::outbox::{self, Entry};

/// The subject of client events.
pub const CLIENT_SUBJECT: &str = "galaxy.push.client";
/// The subject of session invalidations.
pub const INVALIDATION_SUBJECT: &str = "galaxy.push.invalidation";

/// Whose sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidationTarget {
    /// One session.
    Session(DeviceSessionId),
    /// All sessions of a user.
    User(UserId),
}

/// Writes a client event of `kind` for all devices of a user, or for one of them. `payload` is JSON.
pub async fn publish_client_event(
    tx: &mut Tx,
    user_id: UserId,
    device_session_id: Option<DeviceSessionId>,
    kind: &str,
    payload: &serde_json::Value,
) -> Result<EventId> {
    let id = EventId::generate();
    let event = Event::ClientEvent(ClientEvent {
        user_id: user_id.to_string(),
        device_session_id: device_session_id.map(|id| id.to_string()),
        kind: kind.to_owned(),
        event_id: id.to_string(),
        payload: payload.to_string().into_bytes().into(),
        content_type: "application/json".to_owned(),
    });
    append(
        tx,
        id,
        CLIENT_SUBJECT,
        "galaxy.push.client.v1",
        user_id.to_string(),
        event,
    )
    .await
}

/// Writes the invalidation that makes every gateway end the sessions of `target`, in the transaction that revokes them.
pub async fn publish_session_invalidation(
    tx: &mut Tx,
    target: InvalidationTarget,
    reason: &OpenEnum<RevocationReason>,
) -> Result<EventId> {
    let (about, target) = match target {
        InvalidationTarget::Session(id) => {
            (id.to_string(), Target::DeviceSessionId(id.to_string()))
        }
        InvalidationTarget::User(id) => (id.to_string(), Target::UserId(id.to_string())),
    };
    let event = Event::SessionInvalidation(SessionInvalidation {
        reason: reason.to_string(),
        target: Some(target),
    });
    append(
        tx,
        EventId::generate(),
        INVALIDATION_SUBJECT,
        "galaxy.push.invalidation.v1",
        about,
        event,
    )
    .await
}

async fn append(
    tx: &mut Tx,
    id: EventId,
    subject: &str,
    event_type: &str,
    about: String,
    event: Event,
) -> Result<EventId> {
    let push = PushEvent {
        cursor: String::new(),
        at: None,
        event: Some(event),
        traceparent: telemetry::traceparent().unwrap_or_default(),
    };
    let entry = Entry {
        subject,
        event_type,
        about: Some(about),
        content_type: "application/protobuf",
        payload: push.encode_to_vec(),
    };
    outbox::insert(tx, id, entry).await
}

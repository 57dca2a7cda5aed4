//! The events of a user, as one stream or as a feed that subscribes again by itself.

use std::time::Duration;

use galaxy_core::entropy;
use galaxy_proto::gateway::v1::{SignedEvent, SignedRequest};
use galaxy_proto::signing;
use serde_json::Value;
use tonic::Streaming;

use crate::{Device, Error};

/// Longest pause between two attempts to subscribe.
const MAX_PAUSE_MS: u64 = 5_000;

/// Something that happened, verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Unique; an event that comes twice has the same one.
    pub event_id: String,
    /// What happened, for example `game.turn_ready`, or `resync`: events may have been missed.
    pub kind: String,
    /// The details; `null` when they are not JSON.
    pub payload: Value,
    /// When the gateway signed it, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// One stream of events.
#[derive(Debug)]
pub struct Subscription {
    device: Device,
    request_id: String,
    next_sequence: u64,
    stream: Streaming<SignedEvent>,
}

impl Subscription {
    pub(crate) async fn open(device: &Device, request: SignedRequest) -> Result<Self, Error> {
        let request_id = request.request_id.clone();
        let answer = device
            .gateway
            .grpc
            .clone()
            .subscribe_events(request)
            .await?;
        let mut subscription = Self {
            device: device.clone(),
            request_id,
            next_sequence: 0,
            stream: answer.into_inner(),
        };
        if subscription.next().await?.kind != "subscribed" {
            return Err(Error::Misplaced("kind"));
        }
        Ok(subscription)
    }

    /// Waits for the next event. After an error the subscription is at its end.
    pub async fn next(&mut self) -> Result<Event, Error> {
        let event = self.stream.message().await?.ok_or(Error::Ended)?;
        if event.request_id != self.request_id {
            return Err(Error::Misplaced("request_id"));
        }
        if event.sequence != self.next_sequence {
            return Err(Error::Misplaced("sequence"));
        }
        let device = &self.device;
        signing::verify_event(&event, &device.session, &device.gateway.key)?;
        self.next_sequence += 1;
        Ok(Event {
            event_id: event.event_id,
            kind: event.kind,
            payload: serde_json::from_slice(&event.payload).unwrap_or_default(),
            timestamp_ms: event.timestamp_ms,
        })
    }
}

/// A feed that outlives broken streams.
#[derive(Debug)]
pub struct Events {
    device: Device,
    subscription: Option<Subscription>,
    broken: bool,
    pause_ms: u64,
}

impl Events {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            device,
            subscription: None,
            broken: false,
            pause_ms: 50,
        }
    }

    /// Subscribes if there is no stream now, so that what happens from here on is not missed.
    /// Fails only when waiting does not help: signed out, forged, refused for good.
    pub async fn ready(&mut self) -> Result<(), Error> {
        while self.subscription.is_none() {
            match self.device.subscribe().await {
                Ok(subscription) => {
                    self.subscription = Some(subscription);
                    self.pause_ms = 50;
                }
                Err(error) if is_passing(&error) => self.pause().await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for the next event. After a broken stream the first one is a `resync`.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            self.ready().await?;
            if std::mem::take(&mut self.broken) {
                return Ok(self.resync());
            }
            let Some(subscription) = &mut self.subscription else {
                continue;
            };
            match subscription.next().await {
                Ok(event) => return Ok(event),
                Err(error) => {
                    self.subscription = None;
                    self.broken = true;
                    if !is_passing(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Doubles the pause up to its limit and waits a random part of it.
    async fn pause(&mut self) {
        let draw = u64::from_le_bytes(entropy::bytes(&mut entropy::rng()));
        tokio::time::sleep(Duration::from_millis(draw % self.pause_ms)).await;
        self.pause_ms = (self.pause_ms * 2).min(MAX_PAUSE_MS);
    }

    fn resync(&self) -> Event {
        Event {
            event_id: uuid::Uuid::now_v7().to_string(),
            kind: "resync".to_owned(),
            payload: serde_json::json!({ "reason": "reconnected" }),
            timestamp_ms: self.device.gateway.clock.now().as_millisecond(),
        }
    }
}

fn is_passing(error: &Error) -> bool {
    match error {
        Error::Refused { status, code, .. } => {
            !error.is_signed_out()
                && (code.is_empty()
                    || matches!(
                        status,
                        tonic::Code::Unavailable
                            | tonic::Code::ResourceExhausted
                            | tonic::Code::DeadlineExceeded
                            | tonic::Code::Internal
                    ))
        }
        Error::Ended | Error::Unreachable(_) => true,
        _ => false,
    }
}

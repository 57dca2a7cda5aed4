//! A signed-in device: runs operations and opens subscriptions.

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use galaxy_proto::gateway::v1::SignedRequest;
use galaxy_proto::signing::{self, SUBSCRIBE_EVENTS};
use uuid::Uuid;

use crate::{Call, Error, Events, Gateway, Response, Subscription};

/// A device with its session and key. Cheap to clone.
#[derive(Clone)]
pub struct Device {
    pub(crate) gateway: Gateway,
    pub(crate) session: String,
    pub(crate) key: SigningKey,
}

impl Device {
    /// The session of this device.
    pub fn device_session_id(&self) -> &str {
        &self.session
    }

    /// The key that this device signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Runs an operation. Errors of the back end are answers too: see [`Response::ok`].
    pub async fn execute(&self, call: Call) -> Result<Response, Error> {
        self.send(self.request(&call.operation_id, call.payload()))
            .await
    }

    /// A signed request with a fresh id, for [`Device::send`].
    pub fn request(&self, message_type: &str, payload: Bytes) -> SignedRequest {
        let request = SignedRequest {
            device_session_id: self.session.clone(),
            request_id: Uuid::now_v7().to_string(),
            timestamp_ms: self.gateway.clock.now().as_millisecond(),
            message_type: message_type.to_owned(),
            payload,
            ..SignedRequest::default()
        };
        signing::sign_request(request, &self.key)
    }

    /// Sends a request as it is, and verifies that the answer is the gateway's and belongs to it.
    pub async fn send(&self, request: SignedRequest) -> Result<Response, Error> {
        let request_id = request.request_id.clone();
        let answer = self
            .gateway
            .grpc
            .clone()
            .execute(request)
            .await?
            .into_inner();
        if answer.request_id != request_id {
            return Err(Error::Misplaced("request_id"));
        }
        signing::verify_response(&answer, &self.session, &self.gateway.key)?;
        Ok(Response {
            status: u16::try_from(answer.http_status).unwrap_or_default(),
            content_type: answer.content_type,
            payload: answer.payload,
            timestamp_ms: answer.timestamp_ms,
        })
    }

    /// Opens one subscription. It is in force when this returns.
    pub async fn subscribe(&self) -> Result<Subscription, Error> {
        let request = self.request(SUBSCRIBE_EVENTS, Bytes::new());
        Subscription::open(self, request).await
    }

    /// Opens one subscription with a request as it is.
    pub async fn subscribe_with(&self, request: SignedRequest) -> Result<Subscription, Error> {
        Subscription::open(self, request).await
    }

    /// Follows the events, subscribing again whenever the stream broke.
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(&self.session).finish()
    }
}

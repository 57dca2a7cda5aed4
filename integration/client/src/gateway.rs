//! Where the gateway is and which key it signs with.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{SigningKey, VerifyingKey};
use galaxy_core::Clock;
use galaxy_http_client::{HttpClient, Limits};
use galaxy_proto::gateway::v1::edge_gateway_client::EdgeGatewayClient;
use galaxy_proto::signing;
use http::Uri;
use tonic::transport::{Channel, Endpoint};

use crate::{Device, Error};

/// The bounds of a sign-in call. The deadline is longer than a gateway lets `api` take.
const SIGN_IN: Limits = Limits {
    connect: Duration::from_secs(5),
    deadline: Duration::from_secs(30),
    body: 64 << 10,
    idle_connections: 32,
};

/// A gateway. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub(crate) key: VerifyingKey,
    pub(crate) clock: Clock,
    pub(crate) http: HttpClient,
    pub(crate) http_url: String,
    pub(crate) grpc: EdgeGatewayClient<Channel>,
}

impl Gateway {
    /// Takes the addresses with scheme and the gateway's public key (base64 of 32 bytes). Connects
    /// at the first call, and again whenever the connection broke. Needs a Tokio runtime.
    pub fn new(grpc_url: &str, http_url: &str, public_key: &str) -> Result<Self, Error> {
        let bytes = BASE64_STANDARD.decode(public_key).unwrap_or_default();
        let key = signing::parse_public_key(&bytes)?;
        let address = |_| Error::Address(grpc_url.to_owned());
        let channel = Endpoint::from_shared(grpc_url.to_owned())
            .map_err(address)?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .connect_lazy();
        let http_url = http_url.trim_end_matches('/').to_owned();
        if !http_url
            .parse::<Uri>()
            .is_ok_and(|uri| uri.authority().is_some())
        {
            return Err(Error::Address(http_url));
        }
        Ok(Self {
            key,
            clock: Clock::system(),
            http: HttpClient::new(SIGN_IN),
            http_url,
            grpc: EdgeGatewayClient::new(channel),
        })
    }

    /// Takes the time of requests from `clock` instead of the machine.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The device of a session that exists already.
    pub fn device(&self, device_session_id: impl Into<String>, key: SigningKey) -> Device {
        Device {
            gateway: self.clone(),
            session: device_session_id.into(),
            key,
        }
    }
}

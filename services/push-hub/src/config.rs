//! Settings of push-hub.

use std::{net::SocketAddr, time::Duration};

use galaxy_events::NatsConfig;
use galaxy_http::bearer;
use galaxy_service::{
    Section, Vars,
    config::{ByteSize, RotatingSecret},
    tls::{Authorities, Identity},
};

/// Settings beside those of every process.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Where gateways subscribe.
    pub listen_addr: SocketAddr,
    /// The broker, and how far back a gateway can resume.
    pub nats: NatsConfig,
    /// The token of gateways; `None`: no authentication.
    pub gateway_token: Option<RotatingSecret>,
    /// What the listener shows of itself; `None`: no TLS.
    pub identity: Option<Identity>,
    /// The authorities of gateways' certificates; `None`: gateways need none.
    pub gateway_authorities: Option<Authorities>,
    /// Memory for the window.
    pub ring_bytes: usize,
    /// How many messages a gateway may be behind before client events are dropped.
    pub queue: u64,
    /// Pause after which a silent stream sends a heartbeat.
    pub heartbeat: Duration,
}

impl Section for HubConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let listen_addr = vars.or(
            "BACKEND_GRPC_PUSH_LISTEN_ADDR",
            "0.0.0.0:8090",
            "Where gateways subscribe (gRPC)",
        );
        let nats = NatsConfig::read(vars);
        let gateway_token = bearer::read_token(vars);
        let identity = Identity::read(
            vars,
            (
                "BACKEND_PUSH_TLS_CERTIFICATE",
                "A PEM file with the certificate that gateways see; without it there is no TLS",
            ),
            ("BACKEND_PUSH_TLS_KEY", "A PEM file with its key"),
        );
        let gateway_authorities = Authorities::read_as(
            vars,
            "BACKEND_PUSH_TLS_CLIENT_CA",
            "A PEM file of authorities, of which a gateway must have a certificate",
        );
        if matches!(
            (&identity, &gateway_authorities),
            (Some(None), Some(Some(_)))
        ) {
            return vars.problem(
                "BACKEND_PUSH_TLS_CLIENT_CA",
                "needs BACKEND_PUSH_TLS_CERTIFICATE",
            );
        }
        let ring_bytes = vars.or::<ByteSize>(
            "BACKEND_PUSH_WINDOW_SIZE",
            "256MiB",
            "Memory for the messages of the window; the oldest are evicted first",
        );
        let queue = vars.or(
            "BACKEND_PUSH_QUEUE",
            "4096",
            "Messages a gateway may be behind before client events are dropped for it",
        );
        let heartbeat = vars.or(
            "BACKEND_PUSH_HEARTBEAT",
            "5s",
            "Pause after which a silent stream sends a heartbeat",
        );
        Some(Self {
            listen_addr: listen_addr?,
            nats: nats?,
            gateway_token: gateway_token?,
            identity: identity?,
            gateway_authorities: gateway_authorities?,
            ring_bytes: ring_bytes?.0,
            queue: queue?,
            heartbeat: heartbeat?,
        })
    }
}

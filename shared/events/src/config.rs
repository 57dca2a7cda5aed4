//! The variables of every process that uses NATS.

use std::time::Duration;

use galaxy_service::{Secret, Section, Vars};

/// How to reach NATS and how its streams are kept.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// Servers, tried in turn.
    pub urls: Vec<String>,
    /// `user:password` or a token.
    pub credentials: Option<Secret>,
    /// Copies of each stream in a cluster, 1 to 5.
    pub replicas: u16,
    /// How long push events and gateway request ids are kept.
    pub freshness_window: Duration,
}

impl Section for NatsConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let urls = vars.or(
            "BACKEND_NATS_URL",
            "nats://127.0.0.1:4222",
            "NATS servers, with commas between",
        );
        let credentials = vars.optional_secret(
            "BACKEND_NATS_CREDENTIALS",
            "How to sign in to NATS: user:password, or a token",
        );
        let replicas = vars.or(
            "BACKEND_NATS_REPLICAS",
            "1",
            "Copies of each stream: 1 alone, 3 in a cluster",
        );
        let freshness_window = vars.or(
            "BACKEND_FRESHNESS_WINDOW",
            "5m",
            "How long push events can be resumed and signed requests are fresh",
        );
        if replicas.is_some_and(|n: u16| !(1..=5).contains(&n)) {
            return vars.problem("BACKEND_NATS_REPLICAS", "is not between 1 and 5");
        }
        Some(Self {
            urls: urls?,
            credentials: credentials?,
            replicas: replicas?,
            freshness_window: freshness_window?,
        })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &'static [(&'static str, &'static str)]) -> Result<NatsConfig, Vec<String>> {
        let mut vars = Vars::from_lookup(|name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, text)| (*text).to_owned())
        });
        let config = NatsConfig::read(&mut vars);
        config.ok_or_else(|| {
            vars.problems()
                .iter()
                .map(|problem| problem.variable.to_string())
                .collect()
        })
    }

    #[test]
    fn by_default_one_local_server_is_used_without_credentials() {
        let config = read(&[]).unwrap();
        assert_eq!(config.urls, ["nats://127.0.0.1:4222"]);
        assert!(config.credentials.is_none());
        assert_eq!(config.replicas, 1);
        assert_eq!(config.freshness_window, Duration::from_mins(5));
    }

    #[test]
    fn several_servers_can_be_named() {
        let config = read(&[("BACKEND_NATS_URL", "nats://a:4222, nats://b:4222")]).unwrap();
        assert_eq!(config.urls, ["nats://a:4222", "nats://b:4222"]);
    }

    #[test]
    fn the_number_of_replicas_is_one_that_jetstream_accepts() {
        for replicas in ["0", "6", "-1", "three"] {
            let vars: [_; 1] = [("BACKEND_NATS_REPLICAS", replicas)];
            let wrong = read(Box::leak(Box::new(vars))).unwrap_err();
            assert_eq!(wrong, ["BACKEND_NATS_REPLICAS"], "{replicas}");
        }
        assert_eq!(read(&[("BACKEND_NATS_REPLICAS", "5")]).unwrap().replicas, 5);
    }

    #[test]
    fn credentials_are_not_shown() {
        let config = read(&[("BACKEND_NATS_CREDENTIALS", "user:hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

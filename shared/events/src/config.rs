//! The variables of every process that uses NATS.

use std::{ops::RangeInclusive, time::Duration};

use galaxy_service::{Secret, Section, Vars, tls::Authorities};

/// Below, devices with a usual clock are refused; above, gateways keep more request ids than they have memory for.
const FRESHNESS_WINDOWS: RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_hours(1);

/// How to reach NATS, and for the owner of the streams how they are kept.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// Servers, tried in turn.
    pub urls: Vec<String>,
    /// `user:password` or a token.
    pub credentials: Option<Secret>,
    /// Authorities that the servers' certificates may come from, besides the public ones.
    pub authorities: Option<Authorities>,
    /// How the streams are kept. `None` in all processes but their owner, which read it from the streams themselves.
    pub streams: Option<StreamSettings>,
}

/// How the streams are kept. The streams' own configuration holds it for all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    /// Copies of each stream in a cluster, 1 to 5.
    pub replicas: u16,
    /// How long push events and gateway request ids are kept.
    pub freshness_window: Duration,
}

impl NatsConfig {
    /// Reads the section of the process that owns the streams.
    pub fn read_as_owner(vars: &mut Vars) -> Option<Self> {
        let config = Self::read(vars);
        let replicas = vars.or(
            "BACKEND_NATS_REPLICAS",
            "1",
            "Copies of each stream: 1 alone, 3 in a cluster",
        );
        let freshness_window = vars.or(
            "BACKEND_FRESHNESS_WINDOW",
            "5m",
            "How long push events can be resumed and signed requests are fresh, for all processes",
        );
        if replicas.is_some_and(|n: u16| !(1..=5).contains(&n)) {
            return vars.problem("BACKEND_NATS_REPLICAS", "is not between 1 and 5");
        }
        if freshness_window.is_some_and(|window| !FRESHNESS_WINDOWS.contains(&window)) {
            return vars.problem("BACKEND_FRESHNESS_WINDOW", "is not between 10s and 1h");
        }
        Some(Self {
            streams: Some(StreamSettings {
                replicas: replicas?,
                freshness_window: freshness_window?,
            }),
            ..config?
        })
    }
}

impl Section for NatsConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let urls = vars.or(
            "BACKEND_NATS_URL",
            "nats://127.0.0.1:4222",
            "NATS servers, with commas between; tls:// instead of nats:// encrypts",
        );
        let credentials = vars.optional_secret(
            "BACKEND_NATS_CREDENTIALS",
            "How to sign in to NATS: user:password, or a token",
        );
        let authorities = Authorities::read(vars);
        Some(Self {
            urls: urls?,
            credentials: credentials?,
            authorities: authorities?,
            streams: None,
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
        let config = NatsConfig::read_as_owner(&mut vars);
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
        let streams = StreamSettings {
            replicas: 1,
            freshness_window: Duration::from_mins(5),
        };
        assert_eq!(config.streams, Some(streams));
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
        let config = read(&[("BACKEND_NATS_REPLICAS", "5")]).unwrap();
        assert_eq!(config.streams.unwrap().replicas, 5);
    }

    #[test]
    fn a_window_in_which_nothing_would_be_fresh_is_refused() {
        for window in ["0s", "9s", "61m"] {
            let vars: [_; 1] = [("BACKEND_FRESHNESS_WINDOW", window)];
            let wrong = read(Box::leak(Box::new(vars))).unwrap_err();
            assert_eq!(wrong, ["BACKEND_FRESHNESS_WINDOW"], "{window}");
        }
    }

    #[test]
    fn a_process_that_does_not_own_the_streams_has_no_settings_of_them() {
        let mut vars = Vars::from_lookup(|_| None);
        assert_eq!(NatsConfig::read(&mut vars).unwrap().streams, None);
        assert!(!vars.help().contains("BACKEND_NATS_REPLICAS"));
    }

    #[test]
    fn credentials_are_not_shown() {
        let config = read(&[("BACKEND_NATS_CREDENTIALS", "user:hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

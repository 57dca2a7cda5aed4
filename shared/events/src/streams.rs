//! The two JetStream streams and how they are kept.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::{
    self,
    stream::{Config, StorageType},
};

use crate::NatsConfig;

/// All domain events, 7 days.
pub(crate) const EVENTS: &str = "GALAXY_EVENTS";
/// Events for players' devices and session invalidations, for the freshness window.
pub(crate) const PUSH: &str = "GALAXY_PUSH";
/// How long domain events stay in the stream, and for how long they can be published again.
pub(crate) const EVENTS_RETENTION: Duration = Duration::from_hours(7 * 24);

/// Creates the streams that are missing, and updates age and replicas of the others.
pub(crate) async fn ensure(
    jetstream: &jetstream::Context,
    config: &NatsConfig,
) -> anyhow::Result<()> {
    let events = stream(EVENTS, "galaxy.events.>", EVENTS_RETENTION, config);
    let push = stream(PUSH, "galaxy.push.>", config.freshness_window, config);
    for wanted in [events, push] {
        let name = wanted.name.clone();
        let mut stream = jetstream
            .get_or_create_stream(wanted.clone())
            .await
            .with_context(|| name.clone())?;
        let found = stream
            .info()
            .await
            .with_context(|| name.clone())?
            .config
            .clone();
        if found.max_age != wanted.max_age || found.num_replicas != wanted.num_replicas {
            jetstream.update_stream(&wanted).await.context(name)?;
        }
    }
    Ok(())
}

fn stream(name: &str, subject: &str, max_age: Duration, config: &NatsConfig) -> Config {
    Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        max_age,
        storage: StorageType::File,
        num_replicas: usize::from(config.replicas),
        duplicate_window: max_age.min(Duration::from_mins(2)),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(replicas: u16) -> NatsConfig {
        NatsConfig {
            urls: vec![],
            credentials: None,
            replicas,
            freshness_window: Duration::from_mins(5),
        }
    }

    #[test]
    fn streams_survive_a_restart_and_have_the_configured_replicas() {
        let stream = stream(PUSH, "galaxy.push.>", Duration::from_mins(5), &config(3));
        assert_eq!((stream.name.as_str(), stream.num_replicas), (PUSH, 3));
        assert_eq!(stream.storage, StorageType::File);
        assert_eq!(stream.subjects, ["galaxy.push.>"]);
    }

    #[test]
    fn repetitions_are_recognised_for_two_minutes_but_not_longer_than_messages_are_kept() {
        for (age, window) in [
            (Duration::from_secs(30), Duration::from_secs(30)),
            (EVENTS_RETENTION, Duration::from_mins(2)),
        ] {
            let stream = stream(EVENTS, "galaxy.events.>", age, &config(1));
            assert_eq!((stream.max_age, stream.duplicate_window), (age, window));
        }
    }
}

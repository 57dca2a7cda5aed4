//! The two JetStream streams and how they are kept.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::{
    self,
    stream::{Config, StorageType},
};

use crate::StreamSettings;

/// All domain events, 7 days.
pub(crate) const EVENTS: &str = "GALAXY_EVENTS";
/// Events for players' devices and session invalidations, for the freshness window.
pub(crate) const PUSH: &str = "GALAXY_PUSH";
/// How long domain events stay in the stream, and for how long they can be published again.
pub(crate) const EVENTS_RETENTION: Duration = Duration::from_hours(7 * 24);

/// Creates the streams that are missing, and brings the others to `settings`. For the owner of the streams, once at its start:
/// replicas of it that disagree would change them in turns.
pub(crate) async fn configure(
    jetstream: &jetstream::Context,
    settings: StreamSettings,
) -> anyhow::Result<()> {
    for wanted in all(settings) {
        let name = wanted.name.clone();
        let mut stream = jetstream
            .get_or_create_stream(wanted.clone())
            .await
            .with_context(|| name.clone())?;
        let found = stream.info().await.with_context(|| name.clone())?;
        let found = &found.config;
        if found.max_age != wanted.max_age || found.num_replicas != wanted.num_replicas {
            jetstream.update_stream(&wanted).await.context(name)?;
        }
    }
    Ok(())
}

/// Creates streams that are missing as `known`, and returns how they are kept. `known` is `None` in a process that has never
/// seen them.
pub(crate) async fn ensure(
    jetstream: &jetstream::Context,
    known: Option<StreamSettings>,
) -> anyhow::Result<StreamSettings> {
    if let Some(settings) = known {
        for wanted in all(settings) {
            let name = wanted.name.clone();
            jetstream.get_or_create_stream(wanted).await.context(name)?;
        }
    }
    let push = jetstream.get_stream(PUSH).await;
    let push = push.context("the event streams are not there; the api makes them at its start")?;
    let kept = &push.cached_info().config;
    Ok(StreamSettings {
        replicas: u16::try_from(kept.num_replicas)?,
        freshness_window: kept.max_age,
    })
}

fn all(settings: StreamSettings) -> [Config; 2] {
    [
        stream(EVENTS, "galaxy.events.>", EVENTS_RETENTION, settings),
        stream(PUSH, "galaxy.push.>", settings.freshness_window, settings),
    ]
}

fn stream(name: &str, subject: &str, max_age: Duration, settings: StreamSettings) -> Config {
    Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        max_age,
        storage: StorageType::File,
        num_replicas: usize::from(settings.replicas),
        duplicate_window: max_age.min(Duration::from_mins(2)),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn settings(replicas: u16) -> StreamSettings {
        StreamSettings {
            replicas,
            freshness_window: Duration::from_mins(5),
        }
    }

    #[test]
    fn streams_survive_a_restart_and_have_the_configured_replicas() {
        let stream = stream(PUSH, "galaxy.push.>", Duration::from_mins(5), settings(3));
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
            let stream = stream(EVENTS, "galaxy.events.>", age, settings(1));
            assert_eq!((stream.max_age, stream.duplicate_window), (age, window));
        }
    }
}

//! The two JetStream streams and how they are kept.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::stream::{Config, StorageType};

use crate::{Nats, NatsConfig};

/// All domain events, 7 days.
pub(crate) const EVENTS: &str = "GALAXY_EVENTS";
/// What gateways are told, for the freshness window.
pub(crate) const PUSH: &str = "GALAXY_PUSH";
/// How long domain events stay in the stream, and for how long they can be published again.
pub(crate) const EVENTS_RETENTION: Duration = Duration::from_hours(7 * 24);

/// Makes the streams that are missing. One that exists stays as it is, but for the age of push events.
pub(crate) async fn ensure(nats: &Nats) -> anyhow::Result<()> {
    let config = nats.config();
    let events = stream(EVENTS, "galaxy.events.>", EVENTS_RETENTION, config);
    let push = stream(PUSH, "galaxy.push.>", config.freshness_window, config);
    for wanted in [events, push] {
        let name = wanted.name.clone();
        let mut stream = nats
            .jetstream()
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
            nats.jetstream()
                .update_stream(&wanted)
                .await
                .context(name)?;
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

//! The background loops of `api`: consumers of runtime events, sweeps, write-behind batches.

use std::sync::Arc;

use galaxy_events::{Nats, consumer};

use crate::{App, auth, geo, invalidation, lobby, sweeps};

/// Starts them all; they end when the process drains.
pub fn start(app: &App, nats: &Nats) {
    let tasks = &app.process.tasks;
    let (own, broker) = (app.clone(), nats.clone());
    tasks.supervise("invalidations", move || {
        invalidation::run(own.clone(), broker.clone())
    });
    auth::sessions::seen::start(app);
    geo::counters::start(app);
    sweeps::start(app);
    let runtime_events = Arc::new(lobby::RuntimeEvents {
        clock: app.clock.clone(),
    });
    consumer::start(
        &app.process,
        &app.db,
        nats,
        &runtime_events,
        lobby::CONSUMER,
    );
}

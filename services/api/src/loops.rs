//! The background loops of `api`: the invalidation channel, write-behind batches, sweeps, the consumer of runtime events.

use std::sync::Arc;

use galaxy_events::{Nats, consumer};
use galaxy_http::bearer;
use galaxy_service::Process;
use galaxy_store::Db;

use crate::{Config, auth::sessions::last_seen, compose::Domains, geo::counters, lobby, sweeps};

/// Starts them all; they end when the process drains.
pub fn start(config: &Config, process: &Process, db: &Db, nats: &Nats, domains: &Domains) {
    let (tasks, clock) = (&process.tasks, &process.clock);
    let (invalidation, draining) = (domains.invalidation.clone(), tasks.draining());
    tasks.supervise("invalidations", move || {
        invalidation.clone().run(draining.clone())
    });
    bearer::follow_file(tasks, config.gateway_token.as_ref());
    last_seen::start(tasks, &domains.sessions);
    counters::start(tasks, &domains.geo);
    sweeps::start(tasks, db, clock, config.outbox_keep_days);
    lobby::metrics::start(tasks, db);
    let runtime_events = Arc::new(lobby::RuntimeEvents {
        clock: clock.clone(),
    });
    consumer::start(process, db, nats, &runtime_events, lobby::CONSUMER);
}

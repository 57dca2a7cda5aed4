//! The notifier process: connects to the database and the broker, starts the relay, the consumer of all events and the
//! worker over due routes.

use std::{process::ExitCode, sync::Arc, time::Duration};

use galaxy_events::{Nats, consumer, relay};
use galaxy_http::ops;
use galaxy_notifications::metrics;
use galaxy_notifier::{apply::Notifier, config::NotifierConfig, due::DueRoutes};
use galaxy_service::{Process, process};
use galaxy_store::{Db, Topic, worker};
use tokio::sync::Notify;

fn main() -> ExitCode {
    process::run(
        "notifier",
        "turns events into notifications and routes them to push and mail",
        ops::listen,
        start,
    )
}

async fn start(config: NotifierConfig, process: Process) -> anyhow::Result<()> {
    let db = Db::connect(&config.postgres, &process).await?;
    let nats = Nats::connect(&config.nats, &process).await?;
    relay::start(&process, &db, &nats);
    nats.publish_wakeups(&process, &db, &[Topic::Mail]);
    metrics::start(&process.tasks, &db);
    let settings = Arc::new(config.settings);
    let handler = Arc::new(Notifier::new(settings.clone(), process.clock.clone()));
    consumer::start(
        &process,
        &db,
        &nats,
        &handler,
        consumer::Options {
            name: "notifier",
            subjects: &[],
            loops: 4,
        },
    );
    worker::start(
        &process.tasks,
        Arc::new(DueRoutes::new(&db, settings, process.clock.clone())),
        Arc::new(Notify::new()),
        worker::Options {
            name: "due_routes",
            slots: 4,
            poll: Duration::from_secs(5),
        },
    );
    Ok(())
}

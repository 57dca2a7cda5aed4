//! The process mailer: settings, database, broker for hints, the worker over due mails, its upkeep.

use std::{process::ExitCode, sync::Arc, time::Duration};

use galaxy_events::Nats;
use galaxy_http::ops;
use galaxy_mailer::{config::MailerConfig, outlet::Outlet, queue::MailQueue, upkeep};
use galaxy_service::{Process, process};
use galaxy_store::{Db, Topic, worker};

fn main() -> ExitCode {
    process::run(
        "mailer",
        "sends the mails that wait in the outbox",
        ops::listen,
        start,
    )
}

async fn start(config: MailerConfig, process: Process) -> anyhow::Result<()> {
    let db = Db::connect(&config.postgres, &process).await?;
    let nats = Nats::connect(&config.nats, &process).await?;
    let bell = nats.hear_hints(&process, Topic::Mail).await?;
    let outlet = Outlet::open(&config.target, config.timeout).await?;
    let concurrency = config.concurrency;
    let retention = config.retention;
    let queue = MailQueue::new(&db, &process, outlet, config.sending, bell.clone());
    upkeep::start(&process, &db, retention);
    worker::start(
        &process.tasks,
        Arc::new(queue),
        bell,
        worker::Options {
            name: "mail",
            slots: concurrency,
            poll: Duration::from_secs(1),
        },
    );
    Ok(())
}

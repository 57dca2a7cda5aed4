//! The mailer process: connects to the database and the broker, starts the worker over due mails and the upkeep.

use std::{process::ExitCode, sync::Arc, time::Duration};

use galaxy_events::Nats;
use galaxy_http::ops;
use galaxy_mailer::{config::MailerConfig, queue::MailQueue, transport::MailTransport, upkeep};
use galaxy_service::{Process, process};
use galaxy_store::{Db, Topic, worker};

fn main() -> ExitCode {
    process::run(
        "mailer",
        "sends the mails in the outbox",
        ops::listen,
        start,
    )
}

async fn start(config: MailerConfig, process: Process) -> anyhow::Result<()> {
    let db = Db::connect(&config.postgres, &process).await?;
    let nats = Nats::connect_in_background(&config.nats, &process).await?;
    let wakeup = nats.subscribe_wakeups(&process, Topic::Mail).await?;
    let transport = MailTransport::open(&config.target, config.timeout).await?;
    let queue = MailQueue::new(&db, &process, transport, config.sending, wakeup.clone());
    upkeep::start(&process, &db, config.retention);
    worker::start(
        &process.tasks,
        Arc::new(queue),
        wakeup,
        worker::Options {
            name: "mail",
            slots: config.concurrency,
            poll: Duration::from_secs(1),
        },
    );
    Ok(())
}

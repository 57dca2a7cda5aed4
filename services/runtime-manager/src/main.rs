//! The process runtime-manager: settings, database, broker, driver, loops.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use galaxy_events::{Nats, relay};
use galaxy_http::ops;
use galaxy_runtime_manager::{
    Manager,
    config::RuntimeConfig,
    consumer,
    drivers::{AnyDriver, ProcessDriver},
    reconcile, scheduler, watch,
    worker::{OVERTIME, Operations},
};
use galaxy_service::{Process, process};
use galaxy_store::{Db, Topic, worker};

fn main() -> ExitCode {
    process::run(
        "runtime-manager",
        "keeps an engine running for each game, and its turns coming",
        ops::listen,
        start,
    )
}

async fn start(config: RuntimeConfig, process: Process) -> anyhow::Result<()> {
    let driver = ProcessDriver::new(config.driver.clone(), &process.tasks).with_context(|| {
        let directory = config.driver.directory.display();
        format!("BACKEND_ENGINE_PROCESS_DIR: {directory} cannot be used")
    })?;
    let db = Db::connect(&config.postgres, &process).await?;
    let nats = Nats::connect(&config.nats, &process).await?;
    let manager = Manager::new(&process, db.clone(), AnyDriver::Process(driver), &config);

    relay::start(&process, &db, &nats);
    nats.publish_wakeups(&process, &db, &[Topic::Runtime]);
    let due = nats.subscribe_wakeups(&process, Topic::Runtime).await?;
    let scheduled = nats.subscribe_wakeups(&process, Topic::Runtime).await?;

    reconcile::start(
        &process,
        &manager,
        config.reconcile,
        config.reconcile_interval,
    );
    scheduler::start(&process, &manager, scheduled);
    watch::start(&process, &manager, config.health_interval);
    consumer::start(&process, &db, &nats);
    let options = worker::Options {
        name: "operations",
        slots: config.workers,
        poll: Duration::from_secs(2),
    };
    let operations = Arc::new(Operations::new(manager, &process, OVERTIME));
    worker::start(&process.tasks, operations, due, options);
    Ok(())
}

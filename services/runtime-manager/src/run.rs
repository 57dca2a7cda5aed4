//! The whole runtime manager over its settings: database, broker, driver, loops.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
#[cfg(feature = "kubernetes")]
use galaxy_drivers::KubernetesDriver;
use galaxy_drivers::{DockerDriver, ProcessDriver};
use galaxy_events::{Nats, relay};
use galaxy_runtime::{Lane, nodes};
use galaxy_service::Process;
use galaxy_store::{Db, Topic, worker};

use crate::{
    Manager,
    config::{DriverConfig, RuntimeConfig, Workers},
    node, scheduler, upkeep,
    worker::{OVERTIME, Operations},
};

/// Connects what the settings name and starts all loops in `process`; they end when it drains.
///
/// Errors name the setting that is wrong, or what does not answer.
pub async fn start(config: RuntimeConfig, process: Process) -> anyhow::Result<()> {
    let db = Db::connect(&config.postgres, &process).await?;
    claim_deployment(&db, &config.deployment).await?;
    let manager = connect_driver(&process, &db, &config).await?;
    let nats = Nats::connect_in_background(&config.nats, &process).await?;

    relay::start(&process, &db, &nats);
    nats.publish_wakeups(&process, &db, &[Topic::Runtime]);
    let scheduled = nats.subscribe_wakeups(&process, Topic::Runtime).await?;
    node::register(&manager).await?;
    node::start(&process, &manager, &config.node);
    node::image_check::start(&process, &manager);
    scheduler::start(&process, &manager, scheduled);
    upkeep::start(&process, &manager, config.operation_retention);
    node::answers::start(&process, &manager, &nats).await?;
    for lane in Lane::ALL {
        let due = nats.subscribe_wakeups(&process, Topic::Runtime).await?;
        let operations = Operations::new(manager.clone(), lane, &process, OVERTIME);
        let options = options(lane, config.workers);
        worker::start(&process.tasks, Arc::new(operations), due, options);
    }
    Ok(())
}

/// Two databases must never share engines.
async fn claim_deployment(db: &Db, id: &str) -> anyhow::Result<()> {
    let mut connection = db.acquire().await?;
    let owner = nodes::claim_deployment(&mut connection, id).await?;
    if owner != id {
        bail!(
            "BACKEND_DEPLOYMENT_ID is {id}, but the engines of this database belong to {owner}: set it to {owner}"
        );
    }
    Ok(())
}

async fn connect_driver(
    process: &Process,
    db: &Db,
    config: &RuntimeConfig,
) -> anyhow::Result<Manager> {
    let (tasks, clock) = (&process.tasks, process.clock.clone());
    Ok(match &config.driver {
        DriverConfig::Process(settings) => {
            let driver = ProcessDriver::new(settings.clone(), tasks, clock).with_context(|| {
                let directory = settings.directory.display();
                format!("BACKEND_ENGINE_PROCESS_DIR: {directory} cannot be used")
            })?;
            Manager::new(process, db.clone(), driver, config)
        }
        DriverConfig::Docker(settings) => {
            let driver = DockerDriver::connect(settings.clone(), tasks, clock)
                .await
                .context("BACKEND_DOCKER_HOST: the Docker engine cannot be used")?;
            Manager::new(process, db.clone(), driver, config)
        }
        #[cfg(feature = "kubernetes")]
        DriverConfig::Kubernetes(settings) => {
            let driver = KubernetesDriver::connect(settings.clone(), tasks, clock)
                .await
                .with_context(|| {
                    let namespace = &settings.namespace;
                    format!("BACKEND_ENGINE_NAMESPACE: {namespace} of the cluster cannot be used")
                })?;
            Manager::new(process, db.clone(), driver, config)
        }
    })
}

const fn options(lane: Lane, workers: Workers) -> worker::Options {
    let (name, slots) = match lane {
        Lane::Control => ("operations", workers.control),
        Lane::Turn => ("turns", workers.turn),
        Lane::Banish => ("banishments", workers.banish),
    };
    worker::Options {
        name,
        slots,
        poll: Duration::from_secs(1),
    }
}

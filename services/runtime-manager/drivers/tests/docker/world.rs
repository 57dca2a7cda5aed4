//! A deployment of its own in the Docker engine of this machine, removed at the end.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bollard::Docker;
use futures_util::FutureExt as _;
use galaxy_core::{Clock, GameId};
use galaxy_drivers::{
    DockerDriver, Driver as _, EngineSpec, Instance, Resolved, Resources, Sight,
    docker::DockerConfig,
};
use galaxy_service::Tasks;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{cleanup, image};

/// How long anything may take that is waited for.
const LIMIT: Duration = Duration::from_secs(30);

pub struct World {
    pub docker: Docker,
    pub config: DockerConfig,
    pub tasks: Tasks,
    pub image: String,
    /// Images to remove at the end.
    pub images: Arc<Mutex<Vec<String>>>,
}

/// Runs `test` if a Docker engine answers, and then removes what it made, also if it failed.
pub async fn run<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let Some(docker) = cleanup::docker().await else {
        return;
    };
    let deployment = format!("test-{}", GameId::generate().uuid().simple());
    let mut config = DockerConfig::new(&deployment[..30]);
    config.network.clone_from(&config.deployment);
    let world = World {
        image: format!("galaxy-{}:1", config.deployment),
        docker: docker.clone(),
        config: config.clone(),
        tasks: Tasks::new(),
        images: Arc::default(),
    };
    image::import(&docker, &world.image, "/engine", &[("engine", &probe())]).await;
    world.images.lock().push(world.image.clone());
    let (tasks, images) = (world.tasks.clone(), world.images.clone());
    let outcome = AssertUnwindSafe(test(world)).catch_unwind().await;
    tasks.shut_down(Duration::from_secs(5)).await;
    let images = images.lock().clone();
    cleanup::remove(&docker, &config, &images).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// The program that looks at its container from inside.
pub fn probe() -> Vec<u8> {
    image::static_program(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/docker/probe.rs"
    ))
}

impl World {
    pub async fn driver(&self) -> DockerDriver {
        self.driver_with(self.config.clone()).await
    }

    pub async fn driver_with(&self, config: DockerConfig) -> DockerDriver {
        DockerDriver::connect(config, &self.tasks, Clock::system())
            .await
            .unwrap()
    }

    /// What to run for a new game: the probe, with a short grace.
    pub async fn spec(&self, driver: &DockerDriver) -> EngineSpec {
        let Resolved::Ready(digest) = driver.resolve(&self.image).await.unwrap() else {
            panic!("the image was just made");
        };
        EngineSpec {
            game: GameId::generate(),
            epoch: 1,
            image: self.image.clone(),
            digest,
            version: "1.0.0".to_owned(),
            resources: Resources {
                memory_mib: 64,
                cpu_millis: 500,
                pids: 20,
            },
            token: Some("a token".to_owned().into()),
            environment: Vec::new(),
            log_limit: 256 * 1024,
            grace: Duration::from_millis(200),
        }
    }

    pub fn name(&self, game: GameId) -> String {
        format!("galaxy-{}-{game}", self.config.deployment)
    }
}

/// Applies until the engine runs and answers.
pub async fn running(driver: &DockerDriver, spec: &EngineSpec) -> Instance {
    let sight = until(async || match driver.apply(spec).await.unwrap() {
        Sight::Pending { .. } => None,
        sight => Some(sight),
    })
    .await;
    let Sight::Running(instance) = sight else {
        panic!("{sight:?}");
    };
    until(async || ask(&instance, "/env").await.ok()).await;
    instance
}

/// Looks until the engine has ended, or is gone.
pub async fn settled(driver: &DockerDriver, game: GameId) -> Sight {
    until(async || match driver.observe(game).await.unwrap() {
        Sight::Pending { .. } | Sight::Running(_) => None,
        sight => Some(sight),
    })
    .await
}

/// Looks again and again, until there is something.
pub async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting)
        .await
        .expect("it takes too long")
}

/// What the probe answers.
pub async fn ask(engine: &Instance, target: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(engine.endpoint.authority()).await?;
    stream
        .write_all(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok(body.to_owned())
}

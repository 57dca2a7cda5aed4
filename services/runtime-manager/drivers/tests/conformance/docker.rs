//! The suite for the driver `docker`, in the Docker engine of this machine.

#[path = "../docker/cleanup.rs"]
mod cleanup;
#[path = "../docker/image.rs"]
mod image;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bollard::{Docker, query_parameters::KillContainerOptions};
use galaxy_core::{Clock, Endpoint, GameId};
use galaxy_drivers::{DockerDriver, Driver, docker::DockerConfig};
use galaxy_service::Tasks;

use crate::harness::{Call, Harness, Kind, Program, Running, http};

conformance!(Node::new);

const WRAPPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/wrapper.rs");

/// A deployment with images of its own. Everything of it is removed at the end.
struct Node {
    docker: Option<Docker>,
    config: DockerConfig,
    tasks: Tasks,
}

impl Node {
    async fn new() -> Self {
        let deployment = format!("test-{}", GameId::generate().uuid().simple());
        let mut config = DockerConfig::new(&deployment[..30]);
        config.network.clone_from(&config.deployment);
        let node = Self {
            docker: cleanup::docker().await,
            config,
            tasks: Tasks::new(),
        };
        if let Some(docker) = &node.docker {
            let engine = reference_engine();
            let wrapper = image::static_program(WRAPPER);
            let programs: [(&str, &[u8]); 3] =
                [("engine", &engine), ("wrapper", &wrapper), ("other", b"")];
            let [reference, other] = node.images();
            image::import(docker, &reference, "/wrapper", &programs[..2]).await;
            image::import(docker, &other, "/wrapper", &programs).await;
        }
        node
    }

    /// Of the reference engine, and of the same with another file beside it.
    fn images(&self) -> [String; 2] {
        ["reference", "other"].map(|name| format!("{}-{name}:1", self.config.deployment))
    }

    fn docker(&self) -> &Docker {
        self.docker.as_ref().unwrap()
    }

    fn container(&self, game: GameId) -> String {
        format!("galaxy-{}-{game}", self.config.deployment)
    }
}

impl Harness for Node {
    fn is_there(&self) -> bool {
        self.docker.is_some()
    }

    fn keeps_previous_log(&self) -> bool {
        true
    }

    async fn driver(&self) -> Arc<dyn Driver> {
        let driver = DockerDriver::connect(self.config.clone(), &self.tasks, Clock::system());
        Arc::new(driver.await.unwrap())
    }

    fn program(&self, kind: Kind) -> Program {
        let [reference, other] = self.images();
        let (image, wrapper) = match kind {
            Kind::Reference => (reference, ""),
            Kind::Other => (other, ""),
            Kind::ExitsWith7 => (reference, "exits with 7"),
            Kind::IgnoresTerm => (reference, "ignores SIGTERM"),
            Kind::Forks => (reference, "forks"),
            Kind::Missing => ("127.0.0.1:1/nowhere/engine:1".to_owned(), ""),
        };
        Program {
            image,
            environment: vec![("WRAPPER".to_owned(), wrapper.to_owned())],
        }
    }

    async fn kill(&self, game: GameId) {
        let name = self.container(game);
        let killed = self
            .docker()
            .kill_container(&name, None::<KillContainerOptions>);
        killed.await.unwrap();
    }

    async fn running(&self, game: GameId) -> Running {
        let top = self
            .docker()
            .top_processes(&self.container(game), None)
            .await;
        let processes = top.ok().and_then(|top| top.processes).unwrap_or_default();
        Running {
            engines: usize::from(!processes.is_empty()),
            processes: processes.len(),
        }
    }

    /// A container runs before its engine listens.
    async fn call(&self, endpoint: &Endpoint, call: &Call<'_>) -> (u16, String) {
        let answered = async {
            loop {
                if let Ok(answer) = http(endpoint, call).await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), answered).await;
        answer.expect("an answer in time")
    }
}

impl Drop for Node {
    /// The runtime of the test cannot be waited for here.
    fn drop(&mut self) {
        let (tasks, config, images) = (self.tasks.clone(), self.config.clone(), self.images());
        if self.docker.is_none() {
            return;
        }
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                tasks.shut_down(Duration::ZERO).await;
                let docker = Docker::connect_with_local_defaults().unwrap();
                cleanup::remove(&docker, &config, &images).await;
            });
        });
        removed.join().unwrap();
    }
}

/// The reference engine as a static program, in a target directory of its own: other flags would build everything anew.
fn reference_engine() -> Vec<u8> {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let program: PathBuf = target.join("static/x86_64-unknown-linux-gnu/debug/engine");
    std::fs::read(&program).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: build it first with `RUSTFLAGS='-C target-feature=+crt-static' cargo build -p galaxy-engine --target x86_64-unknown-linux-gnu --target-dir {}`",
            program.display(),
            target.join("static").display()
        )
    })
}

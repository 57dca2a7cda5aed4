//! The suite for the driver `kubernetes`, in a mock cluster whose pods run real processes: see `tests/kubernetes/cluster`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use galaxy_core::{Clock, Endpoint, GameId};
use galaxy_drivers::{Driver, KubernetesConfig, KubernetesDriver};
use galaxy_service::Tasks;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    harness::{Call, Harness, Kind, Program, Running, http},
    process::{
        EXITS_WITH_7, FORKS, IGNORES_TERM, OTHER, leaders, processes, reference_engine, script,
    },
};

conformance!(Node::ready);

/// The directory with the Python packages of the mock cluster.
const PACKAGES: &str = "GALAXY_TEST_KMOCK";
const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubernetes/cluster");
pub const NAMESPACE: &str = "engines";
const DEPLOYMENT: &str = "test";

/// A cluster of one namespace. Everything that runs in it ends with it.
pub struct Node {
    directory: tempfile::TempDir,
    cluster: Option<Cluster>,
    pub tasks: Tasks,
}

/// The process that plays the cluster.
struct Cluster {
    child: Child,
    port: u16,
}

impl Node {
    /// For the suite, which waits for its nodes.
    fn ready() -> std::future::Ready<Self> {
        std::future::ready(Self::new())
    }

    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Some(packages) = std::env::var_os(PACKAGES) else {
            eprintln!("SKIPPED: there is no mock cluster: {PACKAGES} is not set");
            return Self {
                directory,
                cluster: None,
                tasks: Tasks::new(),
            };
        };
        eprintln!("runs in a mock cluster");
        let cluster = Cluster::start(Path::new(&packages), directory.path());
        let node = Self {
            directory,
            cluster: Some(cluster),
            tasks: Tasks::new(),
        };
        fs::write(node.kubeconfig(), node.connection().to_string()).unwrap();
        node
    }

    fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    fn connection(&self) -> Value {
        let server = format!("http://{}", self.server().authority());
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "mock",
            "clusters": [{ "name": "mock", "cluster": { "server": server } }],
            "users": [{ "name": "mock", "user": {} }],
            "contexts": [{ "name": "mock", "context": { "cluster": "mock", "user": "mock" } }],
        })
    }

    fn server(&self) -> Endpoint {
        let port = self.cluster.as_ref().unwrap().port;
        Endpoint::new("127.0.0.1", port).unwrap()
    }

    pub fn config(&self) -> KubernetesConfig {
        KubernetesConfig {
            kubeconfig: Some(self.kubeconfig()),
            ..KubernetesConfig::new(DEPLOYMENT, NAMESPACE)
        }
    }

    /// Asks the API server, past the driver; the answer's status and body.
    pub async fn api(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let call = Call {
            method,
            path,
            body: body.to_string(),
            game: GameId::generate(),
            token: None,
        };
        let (status, body) = http(&self.server(), &call).await.unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// The directory of the game's volume.
    fn volume(&self, game: GameId) -> Option<PathBuf> {
        let game = game.uuid().simple().to_string();
        let volumes = fs::read_dir(self.directory.path().join("volumes")).unwrap();
        let mut volumes = volumes.map(|volume| volume.unwrap().path());
        volumes.find(|path| path.to_string_lossy().ends_with(&game))
    }

    fn processes(&self, game: GameId) -> Vec<rustix::process::Pid> {
        let volume = self.volume(game);
        volume.map_or(vec![], |volume| processes(&volume))
    }

    /// What no driver may send, and was sent.
    pub fn violations(&self) -> String {
        fs::read_to_string(self.directory.path().join("violations")).unwrap_or_default()
    }

    /// Forgets what a test sent by itself.
    pub fn clear_violations(&self) {
        fs::write(self.directory.path().join("violations"), "").unwrap();
    }
}

impl Cluster {
    fn start(packages: &Path, root: &Path) -> Self {
        let engine = reference_engine();
        let program = |name: &str, text: &str| script(root, name, text);
        let images = json!({
            image("reference"): [engine],
            image("other"): [program("other", OTHER)],
            image("exits"): [program("exits", EXITS_WITH_7)],
            image("ignores"): [program("ignores", IGNORES_TERM)],
            image("forks"): [program("forks", FORKS)],
        });
        let mut child = Command::new("python3")
            .arg(CLUSTER)
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 for the mock cluster");
        let told = json!({ "root": root, "namespace": NAMESPACE, "images": images });
        writeln!(child.stdin.as_mut().unwrap(), "{told}").unwrap();
        let mut port = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let port = port.trim().parse();
        Self {
            child,
            port: port.expect("the mock cluster does not start, see above"),
        }
    }
}

fn image(name: &str) -> String {
    format!("registry.test/{name}:1")
}

impl Harness for Node {
    fn is_there(&self) -> bool {
        self.cluster.is_some()
    }

    fn keeps_previous_log(&self) -> bool {
        true
    }

    async fn driver(&self) -> Arc<dyn Driver> {
        let driver = KubernetesDriver::connect(self.config(), &self.tasks, Clock::system());
        Arc::new(driver.await.unwrap())
    }

    fn program(&self, kind: Kind) -> Program {
        let image = match kind {
            Kind::Reference => image("reference"),
            Kind::Other => image("other"),
            Kind::ExitsWith7 => image("exits"),
            Kind::IgnoresTerm => image("ignores"),
            Kind::Forks => image("forks"),
            Kind::Missing => "127.0.0.1:1/nowhere/engine:1".to_owned(),
        };
        Program {
            image,
            environment: vec![],
        }
    }

    async fn kill(&self, game: GameId) {
        for pid in leaders(&self.processes(game)) {
            kill_process(pid, Signal::KILL).unwrap();
        }
    }

    async fn running(&self, game: GameId) -> Running {
        let processes = self.processes(game);
        Running {
            engines: leaders(&processes).len(),
            processes: processes.len(),
        }
    }

    /// The name is looked up in the cluster; a container runs before its engine listens.
    async fn call(&self, endpoint: &Endpoint, call: &Call<'_>) -> (u16, String) {
        let lookup = Call {
            method: "GET",
            path: &format!("/dns/{}", endpoint.host()),
            body: String::new(),
            game: call.game,
            token: None,
        };
        let answered = async {
            loop {
                let found = http(&self.server(), &lookup).await.unwrap();
                if let (200, address) = found
                    && let Ok(address) = format!("http://{address}").parse()
                    && let Ok(answer) = http(&address, call).await
                {
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
    fn drop(&mut self) {
        let Some(cluster) = &mut self.cluster else {
            return;
        };
        drop(cluster.child.stdin.take());
        let _ = cluster.child.wait();
        let violations = self.violations();
        assert!(
            std::thread::panicking() || violations.is_empty(),
            "the driver sent what no driver may send:\n{violations}"
        );
    }
}

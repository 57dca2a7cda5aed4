//! A Docker engine that is away for half a minute, while engines run on.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use galaxy_client::Call;
use galaxy_scenarios::{Admin, Table, eventually};
use galaxy_stack::{
    Stack, StackOptions,
    docker::{self, engine_image::TestImage},
};
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time::Instant,
};

use crate::common::{all, is_open, newest_operation, runtime, runtime_is, seated};

/// How long Docker is away.
const AWAY: Duration = Duration::from_secs(30);
/// Between two looks meanwhile.
const LOOK_EACH: Duration = Duration::from_millis(500);
const BACK_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn while_docker_is_away_nothing_is_concluded_and_afterwards_all_is_as_before() -> Result<()> {
    if !docker::for_test() {
        return Ok(());
    }
    let image = TestImage::make(&[])?;
    let directory = tempfile::tempdir()?;
    let mut proxy = Proxy::new(directory.path().join("docker.sock"))?;
    let options = StackOptions::for_test()?
        .in_docker(image.name().to_owned())
        .env("BACKEND_DOCKER_HOST", &proxy.url())
        .env("BACKEND_ENGINE_HEALTH_INTERVAL", "1s")
        .env("BACKEND_RUNTIME_RECONCILE_INTERVAL", "1s");
    let mut stack = Stack::start(options).await?;
    let file = stack.file()?;
    let (admin, engines) = (Admin::new(&file), stack.in_docker());
    let first = seated(&file).await?;
    first.start().await?;
    let calm = first.game_id.clone();
    let Table { players, .. } = first;
    raise_limit(&admin, &players[0].user_id).await?;
    let mut second = Table::open(players, "A game that is restarted").await?;
    second.seat_all(&["Mechs", "Zorgons"]).await?;
    second.start().await?;
    let before = (
        all(&engines)?,
        runtime(&admin, &calm).await?,
        runtime(&admin, &second.game_id).await?,
    );

    proxy.cut();
    let cut = Instant::now();
    let restart = format!("/runtimes/{}/restart", second.game_id);
    admin.post(&restart, None).await?;
    let turn = format!("/runtimes/{calm}/force-next-turn");
    admin.post(&turn, None).await?;
    let mut explained = false;
    while cut.elapsed() < AWAY {
        // Players do not need Docker.
        let report = Call::new("get_report").path("game_id", &calm);
        let report = report.path("turn", 0);
        second.players[0].device.execute(report).await?.ok()?;
        let now = runtime(&admin, &calm).await?;
        ensure!(same(&now, &before.1), "{now}");
        let why = admin
            .get(&format!("/runtimes/{}/why", second.game_id))
            .await?;
        explained |= why["sentence"]
            .as_str()
            .is_some_and(|sentence| sentence.contains("does not answer"));
        tokio::time::sleep(LOOK_EACH).await;
    }
    let calm_now = runtime(&admin, &calm).await?;
    ensure!(calm_now["current_turn"] == 1, "turns go on: {calm_now}");
    ensure!(explained, "operators are told what the restart waits for");
    let waiting = newest_operation(&admin, &second.game_id).await?;
    ensure!(is_open(&waiting), "{waiting}");
    ensure!(all(&engines)? == before.0, "no container was touched");

    proxy.mend()?;
    let epoch = &before.2["epoch"];
    let restarted = runtime_is(
        &admin,
        &second.game_id,
        "it is restarted",
        BACK_WITHIN,
        |now| now["epoch"] != *epoch && now["status"] == "running" && now["endpoint"].is_string(),
    );
    restarted.await?;
    let restart = eventually("the restart is over", BACK_WITHIN, async || {
        let newest = newest_operation(&admin, &second.game_id).await?;
        Ok((!is_open(&newest)).then_some(newest))
    })
    .await?;
    ensure!(
        restart["status"] == "succeeded" && restart["attempt"] == 0,
        "the outage costs no attempt: {restart}"
    );
    let after = runtime(&admin, &calm).await?;
    ensure!(same(&after, &before.1), "{after}");
    second.force_turn(&admin, 1).await?;
    stack.stop().await
}

/// Whether the runtime is what it was: nothing was concluded about its engine.
fn same(now: &serde_json::Value, before: &serde_json::Value) -> bool {
    let facts = ["epoch", "current_container_id", "endpoint", "restarts"];
    // The turn that was forced is generated meanwhile.
    let runs = now["status"] == "running" || now["status"] == "generation_in_progress";
    runs && facts.iter().all(|fact| now[fact] == before[fact])
        && now["engine_health"] != "crash_loop"
        && now["engine_health"] != "unreachable"
}

async fn raise_limit(admin: &Admin, user: &str) -> Result<()> {
    let limit = serde_json::json!({
        "limit_code": "max_owned_games", "action": "set", "value": 50, "reason": "a test",
    });
    admin
        .post(&format!("/users/{user}/limits"), Some(limit))
        .await
        .map(drop)
}

/// A socket before Docker's that can be cut.
struct Proxy {
    path: PathBuf,
    docker: PathBuf,
    connections: Option<JoinSet<()>>,
}

impl Proxy {
    fn new(path: PathBuf) -> Result<Self> {
        let host = docker::reach::host()?;
        let docker = host.strip_prefix("unix://");
        let docker = docker.with_context(|| format!("{host} is no socket to be cut"))?;
        let mut proxy = Self {
            path,
            docker: Path::new(docker).to_owned(),
            connections: None,
        };
        proxy.mend()?;
        Ok(proxy)
    }

    fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    fn mend(&mut self) -> Result<()> {
        let listener = UnixListener::bind(&self.path)?;
        let docker = self.docker.clone();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let docker = docker.clone();
                open.spawn(async move {
                    if let Ok(mut far) = UnixStream::connect(docker).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        self.connections = Some(listening);
        Ok(())
    }

    /// Ends all connections, and takes no new ones.
    fn cut(&mut self) {
        self.connections = None;
        let _ = std::fs::remove_file(&self.path);
    }
}

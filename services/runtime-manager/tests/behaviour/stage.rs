//! A runtime manager on a database and a directory of its own, whose queue is worked off when the test says so.

use std::{path::PathBuf, time::Duration};

use futures_util::future::join_all;
use galaxy_core::{GameId, OperationId, UserId};
use galaxy_drivers::{
    Driver, EngineSpec, ProcessConfig, ProcessDriver, Resolved, Resources, Sight,
};
use galaxy_events::{NatsConfig, StreamSettings};
use galaxy_runtime::{
    Lane, Operation, Record, RequestError, RosterEntry,
    engine::{EngineAddress, EngineClient, EngineStatus},
    operations, records,
    start::{self, StartRequest},
    turn, versions,
};
use galaxy_runtime_manager::{
    Manager,
    config::{DriverConfig, NodeConfig, ReconcileMode, RuntimeConfig, Timeouts, Workers},
    node,
    worker::Operations,
};
use galaxy_store::{PostgresConfig, worker::Queue as _};
use galaxy_testkit::World;
use jiff::SignedDuration;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgPool;

pub const RACES: [&str; 3] = ["Terrans", "Zorgons", "Mechs"];

/// Long enough for an engine that lives, short enough to wait for one that hangs.
pub const SHORT: Duration = Duration::from_millis(500);

pub struct Stage {
    pub world: World,
    pub manager: Manager,
    /// Starts, stops and the like.
    pub operations: Operations,
    pub turns: Operations,
    pub banishments: Operations,
    pub config: RuntimeConfig,
    pub directory: tempfile::TempDir,
}

pub struct Game {
    pub id: GameId,
    pub players: Vec<UserId>,
}

impl Stage {
    /// With the version 0.1.0 of the reference engine.
    pub async fn new(pool: PgPool) -> Self {
        Self::with_limit(pool, Duration::from_secs(10)).await
    }

    /// Calls of engines may take `limit`, which is to be short where one is made to hang.
    pub async fn with_limit(pool: PgPool, limit: Duration) -> Self {
        let world = World::as_runtime_role(pool).await;
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory, limit);
        let (manager, [operations, turns, banishments]) = manager(&world, &config);
        node::register(&manager).await.unwrap();
        let stage = Self {
            world,
            manager,
            operations,
            turns,
            banishments,
            config,
            directory,
        };
        stage.version("0.1.0", "process:engine").await;
        stage
    }

    /// With an engine that misbehaves as [`Stage::spoil`] says; calls may take `limit`.
    pub async fn faulty(pool: PgPool, limit: Duration) -> Self {
        let stage = Box::pin(Self::with_limit(pool, limit)).await;
        let image = format!("process:{}", program("faulty-engine").display());
        stage.version("0.1.1", &image).await;
        stage
    }

    /// What the game's engine does wrong from now on (see the head of the faulty engine).
    pub fn spoil(&self, game: &Game, faults: &serde_json::Value) {
        let state = self.home(game).join("state");
        std::fs::create_dir_all(&state).unwrap();
        let part = state.join("faults.json.part");
        std::fs::write(&part, faults.to_string()).unwrap();
        std::fs::rename(part, state.join("faults.json")).unwrap();
    }

    /// Writes a program that is the faulty engine with these faults from its first call on.
    pub fn wrap_faulty(path: &std::path::Path, faults: &serde_json::Value) {
        Self::wrap(path, "faulty-engine", &format!("ENGINE_FAULTS='{faults}'"));
    }

    /// Writes a program that is `engine` with one more variable, as a shell has it.
    pub fn wrap(path: &std::path::Path, engine: &str, variable: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let engine = program(engine);
        let engine = engine.display();
        let script = format!("#!/bin/sh\nexport {variable}\nexec {engine} \"$@\"\n");
        std::fs::write(path, script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A game that runs on the faulty engine, which does nothing wrong yet.
    pub async fn faulty_game(&self) -> Game {
        let game = self.queued_game_of(&RACES, Some("0.1.1")).await;
        self.work().await;
        assert_eq!(self.record(&game).await.status.as_str(), "running");
        game
    }

    /// A second runtime manager on the same database and directory, as after a restart of the process.
    pub fn reborn(&self) -> (Manager, [Operations; 3]) {
        manager(&self.world, &self.config)
    }

    /// A runtime manager on the same database and directory, whose driver is `wrap` around that of processes.
    pub fn with_driver<D: Driver>(
        &self,
        wrap: impl FnOnce(ProcessDriver) -> D,
    ) -> (Manager, [Operations; 3]) {
        manager_over(&self.world, &self.config, wrap)
    }

    /// A runtime manager on the same database and another directory, as on another host.
    pub async fn elsewhere(&self, directory: &tempfile::TempDir) -> (Manager, [Operations; 3]) {
        let (manager, operations) = manager(&self.world, &config(directory, self.limit()));
        node::register(&manager).await.unwrap();
        (manager, operations)
    }

    fn limit(&self) -> Duration {
        self.config.timeouts.call
    }

    pub async fn version(&self, version: &str, image_ref: &str) {
        let mut connection = self.world.db.acquire().await.unwrap();
        let now = self.world.clock.now();
        versions::insert_bootstrap(&mut connection, version, image_ref, now)
            .await
            .unwrap();
    }

    /// A game of three players whose start is queued.
    pub async fn queued_game(&self) -> Game {
        self.queued_game_of(&RACES, None).await
    }

    pub async fn queued_game_of(&self, races: &[&str], version: Option<&str>) -> Game {
        let mut players = vec![];
        for _ in races {
            players.push(self.world.account().await);
        }
        let id = self.world.game(players[0], "starting").await;
        let game = Game { id, players };
        self.request_start(&game, races, version).await.unwrap();
        game
    }

    pub async fn request_start(
        &self,
        game: &Game,
        races: &[&str],
        version: Option<&str>,
    ) -> Result<OperationId, RequestError> {
        let entry = |(user_id, race_name): (&UserId, &&str)| RosterEntry {
            user_id: *user_id,
            race_name: (*race_name).to_owned(),
        };
        let request = StartRequest {
            game_id: game.id,
            game_name: "A test game".to_owned(),
            engine_name: "galaxy".to_owned(),
            engine_version: version.map(str::to_owned),
            options: serde_json::Map::new(),
            turn_schedule: "0 * * * *".to_owned(),
            time_zone: "UTC".to_owned(),
            roster: game.players.iter().zip(races).map(entry).collect(),
            requested_by: "test".to_owned(),
        };
        let mut tx = self.world.db.begin().await.unwrap();
        let operation = start::request(&mut tx, &request, self.world.clock.now()).await?;
        tx.commit().await.unwrap();
        Ok(operation)
    }

    /// A game that runs.
    pub async fn game(&self) -> Game {
        let game = self.queued_game().await;
        self.work().await;
        assert_eq!(self.record(&game).await.status.as_str(), "running");
        game
    }

    /// Works off what is due, until nothing is and nothing waits for an engine.
    pub async fn work(&self) {
        self.work_with(&[&self.operations, &self.turns, &self.banishments])
            .await;
    }

    /// As [`Self::work`], but banishments wait.
    pub async fn work_without_banishments(&self) {
        self.work_with(&[&self.operations, &self.turns]).await;
    }

    pub async fn work_with(&self, lanes: &[&Operations]) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            let mut worked = false;
            for lane in lanes {
                let claimed = lane.claim(8).await.unwrap();
                worked |= !claimed.is_empty();
                join_all(claimed.into_iter().map(|one| lane.work(one))).await;
            }
            if !worked && self.wake_parked().await == 0 {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "an operation waits for ever"
            );
        }
    }

    /// Makes what is parked due, as the driver's events do; says how many.
    async fn wake_parked(&self) -> u64 {
        sqlx::query("update backend.runtime_operation_log set run_after = $1 where status = 'queued' and parked")
            .bind(self.world.clock.now())
            .execute(self.world.db.pool())
            .await
            .unwrap()
            .rows_affected()
    }

    /// Works off everything, moving the clock over the waits between tries.
    pub async fn work_with_retries(&self) {
        for _ in 0..8 {
            self.work().await;
            self.pass(SignedDuration::from_mins(2));
        }
    }

    pub fn pass(&self, time: SignedDuration) {
        self.world.clock.advance(time);
    }

    pub async fn force_turn(&self, game: &Game) -> Result<OperationId, RequestError> {
        let mut tx = self.world.db.begin().await.unwrap();
        let now = self.world.clock.now();
        let operation = turn::force_next(&mut tx, game.id, "test", now).await?;
        tx.commit().await.unwrap();
        Ok(operation)
    }

    pub async fn record(&self, game: &Game) -> Record {
        let mut connection = self.world.db.acquire().await.unwrap();
        let record = records::get(&mut connection, game.id).await.unwrap();
        record.unwrap()
    }

    /// The newest operation of the game.
    pub async fn last_operation(&self, game: &Game) -> Operation {
        let mut connection = self.world.db.acquire().await.unwrap();
        let limit = galaxy_core::Limit::new(1).unwrap();
        let page = operations::list(&mut connection, game.id, limit, None);
        page.await.unwrap().items.remove(0)
    }

    /// The reference engine, to be run by the driver itself.
    pub async fn spec(&self, game: GameId, epoch: i64) -> EngineSpec {
        let image = "process:engine";
        let Resolved::Ready(digest) = self.manager.driver().resolve(image).await.unwrap() else {
            unreachable!("a program is there at once");
        };
        EngineSpec {
            game,
            epoch,
            image: image.to_owned(),
            digest,
            version: "0.1.0".to_owned(),
            resources: Resources::default(),
            token: None,
            environment: vec![],
            log_limit: 1 << 20,
            grace: Duration::from_secs(5),
        }
    }

    /// How the game's engine is called.
    pub async fn engine(&self, game: &Game) -> EngineAddress {
        self.record(game)
            .await
            .engine()
            .expect("the engine is to be reached")
    }

    pub async fn status(&self, game: &Game) -> EngineStatus {
        let engine = self.engine(game).await;
        EngineClient::default().status(&engine).await.unwrap()
    }

    pub async fn sight(&self, game: &Game) -> Sight {
        self.manager.driver().observe(game.id).await.unwrap()
    }

    pub fn home(&self, game: &Game) -> PathBuf {
        self.directory.path().join("test").join(game.id.to_string())
    }

    /// Sends a signal to the game's engine, as an operator or the kernel would.
    pub fn signal(&self, game: &Game, signal: Signal) {
        let pid = pid_in(&self.home(game)).expect("the engine was noted");
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let Ok(homes) = std::fs::read_dir(self.directory.path().join("test")) else {
            return;
        };
        for home in homes.flatten() {
            if let Some(pid) = pid_in(&home.path()) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

fn pid_in(home: &std::path::Path) -> Option<Pid> {
    let note = std::fs::read(home.join("engine.json")).ok()?;
    let note: serde_json::Value = serde_json::from_slice(&note).ok()?;
    Pid::from_raw(i32::try_from(note["pid"].as_i64()?).ok()?)
}

fn manager(world: &World, config: &RuntimeConfig) -> (Manager, [Operations; 3]) {
    manager_over(world, config, |driver| driver)
}

fn manager_over<D: Driver>(
    world: &World,
    config: &RuntimeConfig,
    wrap: impl FnOnce(ProcessDriver) -> D,
) -> (Manager, [Operations; 3]) {
    let DriverConfig::Process(settings) = &config.driver else {
        unreachable!("these tests run processes");
    };
    let (process, clock) = (&world.process, world.process.clock.clone());
    let driver = ProcessDriver::new(settings.clone(), &process.tasks, clock).unwrap();
    let manager = Manager::new(process, world.db.clone(), wrap(driver), config);
    let lanes =
        Lane::ALL.map(|lane| Operations::new(manager.clone(), lane, process, Duration::ZERO));
    (manager, lanes)
}

fn config(directory: &tempfile::TempDir, limit: Duration) -> RuntimeConfig {
    RuntimeConfig {
        postgres: PostgresConfig::new("unused".to_owned(), 1),
        nats: NatsConfig {
            urls: vec![],
            credentials: None,
            authorities: None,
            streams: Some(StreamSettings {
                replicas: 1,
                freshness_window: Duration::from_mins(5),
            }),
        },
        deployment: "test".to_owned(),
        workers: Workers {
            control: 4,
            turn: 4,
            banish: 4,
        },
        driver: DriverConfig::Process(ProcessConfig {
            deployment: "test".to_owned(),
            directory: directory.path().to_owned(),
            binary: program("engine"),
            stop_timeout: Duration::from_secs(5),
        }),
        timeouts: Timeouts {
            start: Duration::from_secs(20),
            stop: Duration::from_secs(5),
            turn: limit,
            probe: limit,
            call: limit,
            driver: Duration::from_secs(20),
        },
        finished_grace: SignedDuration::from_hours(1),
        operation_retention: SignedDuration::from_hours(90 * 24),
        log_limit: 1 << 20,
        node: NodeConfig {
            capacity: 0,
            timeout: SignedDuration::from_mins(5),
            health_interval: SignedDuration::from_secs(10),
            hung_after: SignedDuration::from_mins(1),
            reconcile_interval: Duration::from_mins(1),
            reconcile: ReconcileMode::Apply,
        },
    }
}

/// A program of the engine's crate, built beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        program.is_file(),
        "{} is not there: build it first with `cargo build -p galaxy-engine`",
        program.display()
    );
    program
}

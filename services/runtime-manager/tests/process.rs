//! The real program: it is killed, its engine is killed, it is told to end, and the game goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use galaxy_core::{GameId, RuntimeStatus};
use galaxy_runtime::{
    Record, RosterEntry, records,
    start::{self, StartRequest},
    turn, versions,
};
use galaxy_testkit::{World, eventually, nats_url};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgPool;

/// The program as a child; ended when dropped.
struct Program(Child);

impl Program {
    fn start(pool: &PgPool, engines: &Path) -> Self {
        let url = database_url(pool);
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_runtime-manager"))
            .env("BACKEND_POSTGRES_URL", url)
            .env("BACKEND_NATS_URL", nats_url())
            .env("BACKEND_OPS_LISTEN_ADDR", free.to_string())
            .env("BACKEND_DEPLOYMENT_ID", "test")
            .env("BACKEND_ENGINE_PROCESS_DIR", engines)
            .env("BACKEND_ENGINE_HEALTH_INTERVAL", "200ms")
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This test's own database on the server that all tests share.
fn database_url(pool: &PgPool) -> String {
    let server = std::env::var_os("DATABASE_URL").unwrap();
    let server = server.into_string().unwrap();
    let (server, _) = server.rsplit_once('/').unwrap();
    let options = pool.connect_options();
    format!("{server}/{}", options.get_database().unwrap())
}

/// Ends the engine at the end of the test, whatever became of it.
struct Engines(tempfile::TempDir);

impl Engines {
    fn pid(&self, game: GameId) -> Option<Pid> {
        let note = self.0.path().join(format!("test/{game}/engine.json"));
        let note: serde_json::Value = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
        Pid::from_raw(i32::try_from(note["pid"].as_i64()?).ok()?)
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        let Ok(homes) = std::fs::read_dir(self.0.path().join("test")) else {
            return;
        };
        for home in homes.flatten() {
            let game = home.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = game.and_then(|game| self.pid(game)) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

async fn start_game(world: &World) -> GameId {
    let now = world.clock.now();
    let mut connection = world.db.acquire().await.unwrap();
    versions::insert_bootstrap(&mut connection, "0.1.0", "process:engine", now)
        .await
        .unwrap();
    let owner = world.account().await;
    let game_id = world.game(owner, "starting").await;
    let request = StartRequest {
        game_id,
        game_name: "A test game".to_owned(),
        engine_name: "galaxy".to_owned(),
        engine_version: None,
        options: serde_json::Map::new(),
        turn_schedule: "0 0 1 1 *".to_owned(),
        time_zone: "UTC".to_owned(),
        roster: vec![RosterEntry {
            user_id: owner,
            race_name: "Zorgons".to_owned(),
        }],
        requested_by: "test".to_owned(),
    };
    let mut tx = world.db.begin().await.unwrap();
    start::request(&mut tx, &request, now).await.unwrap();
    tx.commit().await.unwrap();
    game_id
}

async fn force_turn(world: &World, game: GameId) {
    let mut tx = world.db.begin().await.unwrap();
    turn::force_next(&mut tx, game, "test", world.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn until(world: &World, game: GameId, what: &str, holds: impl Fn(&Record) -> bool) -> Record {
    eventually(what, || async {
        let mut connection = world.db.acquire().await.unwrap();
        let record = records::get(&mut connection, game).await.unwrap().unwrap();
        holds(&record).then_some(record)
    })
    .await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_survives_the_deaths_of_manager_and_engine(pool: PgPool) {
    let engines = Engines(tempfile::tempdir().unwrap());
    let world = World::new(pool.clone());
    let game = start_game(&world).await;

    let first = Program::start(&pool, engines.0.path());
    let running = |record: &Record| record.status == RuntimeStatus::Running;
    let begun = until(&world, game, "the game runs", running).await;
    first.signal(Signal::KILL);
    drop(first);

    force_turn(&world, game).await;
    let mut second = Program::start(&pool, engines.0.path());
    let turned = |turn| move |record: &Record| record.current_turn == turn && running(record);
    let record = until(&world, game, "the turn is generated", turned(1)).await;
    assert_eq!(
        record.container_id, begun.container_id,
        "the engine lived on"
    );

    kill_process(engines.pid(game).unwrap(), Signal::KILL).unwrap();
    let back =
        |record: &Record| record.container_id != begun.container_id && record.endpoint.is_some();
    until(&world, game, "the engine is back", back).await;
    force_turn(&world, game).await;
    until(&world, game, "the next turn is generated", turned(2)).await;

    second.signal(Signal::TERM);
    let ended = tokio::task::spawn_blocking(move || second.0.wait());
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(ended.unwrap().unwrap().unwrap().success());
    let pid = engines.pid(game).unwrap();
    assert!(
        rustix::process::test_kill_process(pid).is_ok(),
        "the engine outlives it"
    );
}

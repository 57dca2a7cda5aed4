//! Games of two players whose start is requested as the lobby does it, and waiting until they run.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use galaxy_core::{GameId, RuntimeStatus, UserId};
use galaxy_runtime::{
    RosterEntry, engines,
    start::{self, StartRequest},
    stop,
};
use galaxy_store::Db;

use super::host::Host;

/// How long a game may take to run before the measure gives up.
const RUNS_WITHIN: Duration = Duration::from_mins(5);
/// How often a record is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A game that is to be started.
pub struct Game {
    pub id: GameId,
    /// Its owner first.
    pub players: [UserId; 2],
}

/// Makes `count` games of the same two players.
pub async fn make(db: &Db, count: usize) -> Result<Vec<Game>> {
    let players = [account(db).await?, account(db).await?];
    let games: Vec<Game> = std::iter::repeat_with(|| Game {
        id: GameId::generate(),
        players,
    })
    .take(count)
    .collect();
    let ids: Vec<GameId> = games.iter().map(|game| game.id).collect();
    insert(db, &ids, players[0], "starting").await?;
    Ok(games)
}

/// Rows of the lobby for `games`.
pub async fn insert(db: &Db, games: &[GameId], owner: UserId, status: &str) -> Result<()> {
    let ids: Vec<_> = games.iter().map(|game| game.uuid()).collect();
    sqlx::query(
        "insert into backend.games (game_id, owner_user_id, game_name, visibility, status, min_players, max_players,
             enrollment_ends_at, turn_schedule)
         select id, $2, 'A game of the bench', 'private', $3, 2, 8, now() + interval '1 day', '0 0 1 1 *'
         from unnest($1::uuid[]) id",
    )
    .bind(&ids)
    .bind(owner.uuid())
    .bind(status)
    .execute(db.pool())
    .await?;
    Ok(())
}

/// A new account.
pub async fn account(db: &Db) -> Result<UserId> {
    let id = UserId::generate();
    sqlx::query(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
         values ($1, $2, $2, $3, 'bench')",
    )
    .bind(id.uuid())
    .bind(format!("{id}@example.org"))
    .bind(format!("player-{id}"))
    .execute(db.pool())
    .await?;
    Ok(id)
}

/// Queues the game's start.
pub async fn request_start(host: &Host, game: &Game) -> Result<()> {
    let roster = game.players.iter().zip(["Terrans", "Vegans"]);
    let roster = roster.map(|(user_id, race)| RosterEntry {
        user_id: *user_id,
        race_name: race.to_owned(),
    });
    let request = StartRequest {
        game_id: game.id,
        game_name: "A game of the bench".to_owned(),
        engine_name: engines::FIRST.to_owned(),
        engine_version: None,
        options: serde_json::Map::new(),
        turn_schedule: "0 0 1 1 *".to_owned(),
        time_zone: "UTC".to_owned(),
        roster: roster.collect(),
        requested_by: "bench".to_owned(),
    };
    let mut tx = host.db.begin().await?;
    start::request(&mut tx, &request, host.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Queues the stop of the game's engine.
pub async fn request_stop(host: &Host, game: &Game) -> Result<()> {
    let mut tx = host.db.begin().await?;
    stop::request(&mut tx, game.id, "bench", host.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Starts the game and waits until its record says that it runs; gives the time from the request.
pub async fn start(host: &Host, game: &Game) -> Result<Duration> {
    let requested = Instant::now();
    request_start(host, game).await?;
    until_running(host, game.id).await?;
    Ok(requested.elapsed())
}

/// Waits until the game's record says that it runs.
pub async fn until_running(host: &Host, game: GameId) -> Result<()> {
    let deadline = Instant::now() + RUNS_WITHIN;
    loop {
        let (status, error) = status(&host.db, game).await?;
        if status == RuntimeStatus::Running.as_str() {
            return Ok(());
        }
        if status != RuntimeStatus::Starting.as_str() || Instant::now() >= deadline {
            bail!("game {game} is {status}: {error}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The record's status, and the error of its start.
async fn status(db: &Db, game: GameId) -> Result<(String, String)> {
    sqlx::query_as(
        "select r.status, coalesce(o.error, '') from backend.runtime_records r
         join backend.runtime_operation_log o using (game_id) where game_id = $1 and o.op = 'start'",
    )
    .bind(game.uuid())
    .fetch_optional(db.pool())
    .await?
    .context("the game has no record")
}

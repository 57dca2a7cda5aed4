//! Games that are started at once. Records and queue are read again and again meanwhile: when each game runs, how long an
//! operation holds a slot, and how long one that is due waits for a slot.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use galaxy_store::Db;
use uuid::Uuid;

use super::{games, host::Host};
use crate::{figures::Figures, goal::AtMost};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(25);
/// The longest that all games may take before the measure gives up.
const RUN_WITHIN: Duration = Duration::from_mins(10);

/// The longest that an operation may hold a slot, in seconds: the half second that it looks on, and the calls of a busy engine.
const HELD_WITHIN: f64 = 1.5;

/// Games that run before, and are stopped while the others start.
const OTHERS: usize = 5;

/// Starts `count` games at once, and stops a few others meanwhile.
pub async fn run(host: &Host, count: usize) -> Result<()> {
    let others = games::make(&host.db, OTHERS).await?;
    for game in &others {
        games::start(host, game).await?;
    }
    let games = games::make(&host.db, count).await?;
    let ids: Vec<Uuid> = games
        .iter()
        .chain(&others)
        .map(|game| game.id.uuid())
        .collect();
    let requested = Instant::now();
    try_join_all(games.iter().map(|game| games::request_start(host, game))).await?;
    for game in &others {
        games::request_stop(host, game).await?;
    }
    let mut seen = Seen::default();
    while seen.running.len() < count || seen.stopped.len() < OTHERS {
        ensure!(
            requested.elapsed() < RUN_WITHIN,
            "only {} of {count} games run, {} of {OTHERS} are stopped",
            seen.running.len(),
            seen.stopped.len()
        );
        seen.look(&host.db, &ids, requested).await?;
        seen.running
            .retain(|game, _| !others.iter().any(|other| other.id.uuid() == *game));
        tokio::time::sleep(LOOK).await;
    }
    let refusals: i64 = sqlx::query_scalar(
        "select coalesce(sum(attempt), 0)::bigint from backend.runtime_operation_log where game_id = any($1)",
    )
    .bind(&ids)
    .fetch_one(host.db.pool())
    .await?;
    seen.print(count, refusals)
}

/// What was seen until now.
#[derive(Default)]
struct Seen {
    /// When each game was first seen to run.
    running: HashMap<Uuid, Duration>,
    /// The same of those that are stopped.
    stopped: HashMap<Uuid, Duration>,
    /// From when until when each lease was seen: a slot is held for as long.
    leases: HashMap<Uuid, (Duration, Duration)>,
    /// The longest that an operation was due without a slot, in seconds.
    waited: f64,
    /// Most operations that were parked at once.
    parked: usize,
}

/// An open operation.
#[derive(sqlx::FromRow)]
struct Open {
    lease: Option<Uuid>,
    parked: bool,
    /// Seconds since it was due, less than 0 before.
    due_for: f64,
}

impl Seen {
    async fn look(&mut self, db: &Db, games: &[Uuid], since: Instant) -> Result<()> {
        let open: Vec<Open> = sqlx::query_as(
            "select lease_token as lease, parked,
                 extract(epoch from clock_timestamp() - run_after)::float8 as due_for
             from backend.runtime_operation_log
             where game_id = any($1) and status in ('queued', 'running')",
        )
        .bind(games)
        .fetch_all(db.pool())
        .await?;
        let now = since.elapsed();
        for lease in open.iter().filter_map(|one| one.lease) {
            self.leases.entry(lease).or_insert((now, now)).1 = now;
        }
        let waiting = open.iter().filter(|one| one.lease.is_none());
        self.waited = waiting.map(|one| one.due_for).fold(self.waited, f64::max);
        let parked = open.iter().filter(|one| one.parked && one.lease.is_none());
        self.parked = self.parked.max(parked.count());
        let states: Vec<(Uuid, String)> = sqlx::query_as(
            "select game_id, status from backend.runtime_records where game_id = any($1)",
        )
        .bind(games)
        .fetch_all(db.pool())
        .await?;
        let now = since.elapsed();
        for (game, status) in states {
            match &status[..] {
                "running" => _ = self.running.entry(game).or_insert(now),
                "stopped" => _ = self.stopped.entry(game).or_insert(now),
                "starting" => {}
                _ => anyhow::bail!("game {game} is {status}"),
            }
        }
        Ok(())
    }

    fn print(&self, count: usize, refusals: i64) -> Result<()> {
        let of = |times: &HashMap<Uuid, Duration>| {
            Figures::of(&times.values().copied().collect::<Vec<_>>())
        };
        let (running, stopped) = (of(&self.running), of(&self.stopped));
        let leases = self.leases.values();
        let held = leases.map(|(from, to)| to.saturating_sub(*from));
        let held = Figures::of(&held.collect::<Vec<_>>());
        let seconds = |figures: &Figures, percent| figures.percentile(percent) / 1e3;
        AtMost {
            name: &format!("{count} games at once, docker: longest hold of a slot"),
            value: seconds(&held, 100),
            limit: HELD_WITHIN,
            unit: "s",
        }
        .print(&format!(
            "{:.2} s at the median; up to {} operations parked, {:.2} s the longest wait for a slot; {OTHERS} other games \
             stopped meanwhile in {:.2} s at the median, {:.2} s at most",
            seconds(&held, 50),
            self.parked,
            self.waited,
            seconds(&stopped, 50),
            seconds(&stopped, 100),
        ))?;
        AtMost {
            name: &format!("{count} games at once, docker: refusals until all run"),
            value: f64::from(i32::try_from(refusals)?),
            limit: 0.0,
            unit: "times",
        }
        .print(&format!(
            "first runs after {:.1} s, median {:.1} s, last {:.1} s",
            seconds(&running, 0),
            seconds(&running, 50),
            seconds(&running, 100),
        ))
    }
}

//! Counts requests per user and country in memory, and writes them every second and at the end.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use galaxy_core::{Timestamp, UserId};
use galaxy_service::{Schedule, Tasks, telemetry::ClosedCounter};

use super::{
    Geo,
    store::{self, Count},
};

const FLUSH_PERIOD: Duration = Duration::from_secs(1);
const RELOAD_PERIOD: Duration = Duration::from_secs(5);
const BATCH: usize = 1_000;
/// Pairs of user and address in memory at most; further ones are not counted.
const CAPACITY: usize = 50_000;

static DROPPED: LazyLock<ClosedCounter<0>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.geo.dropped",
        "Requests whose country was not counted because too many waited",
        [],
    )
});

/// Requests by user and address that are not written yet.
#[derive(Default)]
pub struct Counters(Mutex<HashMap<(UserId, IpAddr), (i64, Timestamp)>>);

impl Counters {
    pub fn add(&self, user_id: UserId, from: IpAddr, at: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= CAPACITY && !waiting.contains_key(&(user_id, from)) {
            DROPPED.add([], 1);
            return;
        }
        let entry = waiting.entry((user_id, from)).or_insert((0, at));
        entry.0 += 1;
        entry.1 = entry.1.max(at);
    }

    fn take(&self) -> HashMap<(UserId, IpAddr), (i64, Timestamp)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes what is in memory, now. A failed write loses a second of counts.
pub async fn flush(geo: &Geo) -> galaxy_store::Result<()> {
    let mut counts: HashMap<(UserId, String), (i64, Timestamp)> = HashMap::new();
    for ((user_id, from), (count, at)) in geo.counters.take() {
        let Some(country) = geo.country(from) else {
            continue;
        };
        let entry = counts.entry((user_id, country)).or_insert((0, at));
        entry.0 += count;
        entry.1 = entry.1.max(at);
    }
    let mut rows: Vec<Count> = counts
        .into_iter()
        .map(|((user_id, country), (count, last_seen_at))| Count {
            user_id,
            country,
            count,
            last_seen_at,
        })
        .collect();
    // All replicas write in the same order, so that they do not deadlock.
    rows.sort_by(|a, b| (a.user_id, &a.country).cmp(&(b.user_id, &b.country)));
    for part in rows.chunks(BATCH) {
        let mut connection = geo.db.acquire().await?;
        store::add(&mut connection, part).await?;
    }
    Ok(())
}

/// Writes every second, and once more when the process drains; looks for a newer database file every five.
pub fn start(tasks: &Tasks, geo: &Geo) {
    LazyLock::force(&DROPPED);
    let (counted, reloaded) = (geo.clone(), geo.clone());
    let schedule = Schedule::period(FLUSH_PERIOD).with_final_run();
    tasks.every("countries", schedule, move || {
        let geo = counted.clone();
        async move {
            if let Err(error) = flush(&geo).await {
                tracing::warn!(%error, "countries could not be counted");
            }
        }
    });
    tasks.every("country_database", RELOAD_PERIOD, move || {
        let geo = reloaded.clone();
        async move {
            let reload = tokio::task::spawn_blocking(move || geo.reload());
            reload.await.ok();
        }
    });
}

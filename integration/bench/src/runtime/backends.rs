//! Processor time of the processes that Postgres runs for a database.

use std::{collections::HashMap, time::Duration};

use anyhow::{Result, ensure};
use galaxy_store::Db;

/// The processor time of each backend until now, by process id. Postgres must run on this machine.
pub struct Backends(HashMap<i32, Duration>);

impl Backends {
    /// Of the database that `db` is connected to, parallel workers included.
    pub async fn of(db: &Db) -> Result<Self> {
        let pids: Vec<i32> = sqlx::query_scalar(
            "select pid from pg_stat_activity where datname = current_database()",
        )
        .fetch_all(db.pool())
        .await?;
        let time = |pid: &i32| processor_time(*pid).map(|time| (*pid, time));
        let times: HashMap<i32, Duration> = pids.iter().filter_map(time).collect();
        ensure!(
            !times.is_empty(),
            "the processes of Postgres are not seen: it must run on this machine"
        );
        Ok(Self(times))
    }

    /// What was used since `earlier`, by processes that are still there.
    pub fn since(&self, earlier: &Self) -> Duration {
        let used = |(pid, time): (&i32, &Duration)| {
            time.saturating_sub(earlier.0.get(pid).copied().unwrap_or_default())
        };
        self.0.iter().map(used).sum()
    }
}

fn processor_time(pid: i32) -> Option<Duration> {
    let statistics = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds = statistics.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

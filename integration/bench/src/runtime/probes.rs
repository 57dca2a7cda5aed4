//! Probes of all engines of a node that answer: the processor time of the database's processes while they last.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use galaxy_runtime_manager::node::{Watch, watch::Watcher};
use jiff::SignedDuration;
use tokio::runtime::Handle;

use super::{Options, backends::Backends, crowd::Crowd};
use crate::{figures::median, goal::AtMost, threads};

/// How often each engine is probed by default.
const INTERVAL: Duration = Duration::from_secs(10);
/// Over how much of it the probes are spread.
const SPAN: Duration = Duration::from_secs(9);

pub async fn run(options: &Options, served: &Handle, crowd: &Crowd) -> Result<()> {
    let watcher = Watcher::new(
        crowd.manager.clone(),
        Watch::default(),
        SignedDuration::from_mins(1),
    );
    let watcher = std::sync::Arc::new(watcher);
    let (mut shares, mut ours) = (vec![], vec![]);
    for round in 0..=options.rounds {
        let before = (Backends::of(&crowd.db).await?, threads::processor_time()?);
        let (began, watcher) = (Instant::now(), watcher.clone());
        threads::on(served, async move { Ok(watcher.round(SPAN).await?) }).await?;
        tokio::time::sleep(INTERVAL.saturating_sub(began.elapsed())).await;
        let took = began.elapsed().as_secs_f64();
        let used = Backends::of(&crowd.db).await?.since(&before.0);
        let own = threads::processor_time()?.saturating_sub(before.1);
        if round > 0 {
            shares.push(used.as_secs_f64() / took * 100.0);
            ours.push(own.as_secs_f64() / took * 100.0);
        }
    }
    let healthy: i64 = sqlx::query_scalar(
        "select count(*) from backend.runtime_records where engine_health = 'healthy'",
    )
    .fetch_one(crowd.db.pool())
    .await?;
    ensure!(
        usize::try_from(healthy)? == options.engines,
        "only {healthy} engines answered"
    );
    AtMost {
        name: &format!(
            "probing {} engines, share of a core in Postgres",
            options.engines
        ),
        value: median(shares.iter().copied()),
        limit: 2.0,
        unit: "%",
    }
    .print(&format!(
        "median of {} intervals of 10 s, most {:.2} %; manager and engines together {:.0} %",
        options.rounds,
        shares.iter().copied().fold(0.0, f64::max),
        median(ours.iter().copied())
    ))
}

//! Comparisons of a node's engines with their records while nothing differs: how long one takes, and how long it keeps a
//! thread of the runtime without a pause.

use std::time::Instant;

use anyhow::{Result, ensure};
use galaxy_runtime_manager::{config::ReconcileMode, node::reconcile::Reconciler};
use tokio::runtime::Handle;

use super::{
    Options,
    crowd::Crowd,
    polls::{self, Longest},
};
use crate::{figures::Figures, goal::AtMost, threads};

pub async fn run(options: &Options, served: &Handle, crowd: &Crowd) -> Result<()> {
    let (mut took, mut longest) = (vec![], Longest::default());
    for round in 0..=options.rounds {
        let manager = crowd.manager.clone();
        let (time, poll) = threads::on(served, async move {
            let mut reconciler = Reconciler::new(manager, ReconcileMode::Apply);
            let began = Instant::now();
            let (plan, poll) = polls::watched(async move { reconciler.pass().await }).await;
            let (plan, time) = (plan?, began.elapsed());
            ensure!(plan.steps.is_empty() && plan.braked == 0, "{plan:?}");
            Ok((time, poll))
        })
        .await?;
        if round > 0 {
            took.push(time);
            longest = longest.max(poll);
        }
    }
    let (figures, count) = (Figures::of(&took), options.engines);
    AtMost {
        name: &format!("reconciliation of {count} records"),
        value: figures.percentile(50) / 1e3,
        limit: 0.5,
        unit: "s",
    }
    .print(&format!(
        "median of {}, longest {:.2} s",
        options.rounds,
        figures.percentile(100) / 1e3
    ))?;
    let milliseconds = longest.wall.as_secs_f64() * 1e3;
    AtMost {
        name: "longest time that it keeps a thread without a pause",
        value: milliseconds,
        limit: 10.0,
        unit: "ms",
    }
    .print(&format!(
        "{:.2} ms of processor time",
        longest.processor.as_secs_f64() * 1e3
    ))
}

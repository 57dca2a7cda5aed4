//! How soon a revocation on one replica is seen by another, after it has answered.

use std::{io::Write, time::Instant};

use anyhow::Result;
use galaxy_api::App;
use serde_json::json;

use super::{get, post, seed, server::Server};
use crate::figures::Figures;

const TRIES: usize = 200;

/// Prints how long the other replica still serves the session.
pub async fn run(one: &App, other: &App) -> Result<()> {
    let (here, there) = (Server::of(one).await?, Server::of(other).await?);
    let mut durations = vec![];
    for id in seed::sessions(&one.db, TRIES).await? {
        let path = format!("/api/v1/internal/sessions/{id}");
        here.send(get(&path)).await?;
        there.send(get(&path)).await?;
        here.send(post(
            &format!("{path}/revoke"),
            &json!({ "reason": "bench" }),
            "192.0.2.1",
        ))
        .await?;
        let answered = Instant::now();
        while there.send(get(&path)).await?["status"] != "revoked" {}
        durations.push(answered.elapsed());
    }
    let figures = Figures::of(&durations);
    writeln!(
        std::io::stdout(),
        "{:64} {:7.2}   goal {:8} (ms; median {:.2})",
        "revocation seen by another replica, 99th percentile",
        figures.percentile(99),
        "<= 50",
        figures.percentile(50),
    )?;
    Ok(())
}

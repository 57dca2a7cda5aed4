//! How soon a revocation on one replica is seen by another, after it has answered.

use std::time::Instant;

use anyhow::Result;
use galaxy_store::Db;
use serde_json::json;

use super::seed;
use crate::{
    compare,
    figures::Figures,
    server::{Server, get, post},
};

const TRIES: usize = 200;

/// Prints how long `there` still serves a session that was revoked `here`.
pub async fn run(db: &Db, here: &Server, there: &Server) -> Result<()> {
    let mut durations = vec![];
    for id in seed::sessions(db, TRIES).await? {
        let path = format!("/api/v1/internal/sessions/{id}");
        here.send(get(&path)).await?;
        there.send(get(&path)).await?;
        let body = json!({ "reason": "bench" });
        here.send(post(&format!("{path}/revoke"), &body, "192.0.2.1"))
            .await?;
        let answered = Instant::now();
        while there.send(get(&path)).await?["status"] != "revoked" {}
        durations.push(answered.elapsed());
    }
    let figures = Figures::of(&durations);
    compare::line(
        "revocation seen by another replica, 99th percentile in ms",
        figures.percentile(99),
        "<= 50",
        &format!("median {:.2} ms", figures.percentile(50)),
    )
}

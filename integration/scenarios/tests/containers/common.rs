//! What the scenarios with containers share.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use galaxy_scenarios::{Admin, Player, Table, eventually};
use galaxy_stack::{StackFile, docker::Deployment};
use serde_json::Value;

/// A game of two that can start.
pub async fn seated(file: &StackFile) -> Result<Table> {
    let players = vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "A game in a container").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    Ok(table)
}

/// The containers of a deployment, whether they run or not.
pub fn all(engines: &Deployment) -> Result<BTreeSet<String>> {
    Ok(engines.containers(true)?.into_iter().collect())
}

/// The game's only container.
pub fn only(engines: &Deployment) -> Result<String> {
    let containers = engines.containers(true)?;
    ensure!(containers.len() == 1, "one container: {containers:?}");
    containers.into_iter().next().context("a container")
}

/// The game's runtime as operators see it.
pub async fn runtime(admin: &Admin, game: &str) -> Result<Value> {
    admin.get(&format!("/runtimes/{game}")).await
}

/// Waits until the game's runtime is as `wanted` says.
pub async fn runtime_is(
    admin: &Admin,
    game: &str,
    what: &str,
    within: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let mut last = Value::Null;
    let seen = eventually(what, within, async || {
        last = runtime(admin, game).await?;
        Ok(wanted(&last).then(|| last.clone()))
    })
    .await;
    seen.with_context(|| format!("the runtime is {last}"))
}

/// All operations of the game, newest first.
pub async fn operations(admin: &Admin, game: &str) -> Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/runtimes/{game}/operations?limit=100{cursor}");
        let page = admin.get(&path).await?;
        let items = page["items"].as_array().context("a list of operations")?;
        all.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// The game's newest operation.
pub async fn newest_operation(admin: &Admin, game: &str) -> Result<Value> {
    let path = format!("/runtimes/{game}/operations?limit=1");
    Ok(admin.get(&path).await?["items"][0].clone())
}

/// Whether an operation has not ended.
pub fn is_open(operation: &Value) -> bool {
    operation["status"] == "queued" || operation["status"] == "running"
}

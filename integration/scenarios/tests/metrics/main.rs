//! Dashboards and alert rules name only what a running stack exports, and `docs/metrics.md` lists exactly that.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod page;
mod promql;
mod reference;
mod wanted;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use galaxy_client::Call;
use galaxy_scenarios::{Admin, Player, Table, eventually};
use galaxy_stack::{Layout, Stack, StackFile, StackOptions, env};
use jiff::{SignedDuration, Timestamp};
use page::Pages;
use serde_json::json;

/// The schedule of the game has a turn each minute, and some figures are read every half minute.
const WITHIN: Duration = Duration::from_mins(3);

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_alerts_and_the_reference_name_what_a_running_stack_exports() -> Result<()> {
    let root = Layout::of_checkout()?.root().to_owned();
    let wanted = wanted::read(&root)?;
    ensure!(wanted.len() > 100, "only {} expressions", wanted.len());

    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    play(&file).await?;
    let pages = eventually("all metrics are exported", WITHIN, async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let pages = Pages::of(&file).await?;
        let mut missing: Vec<String> = wanted
            .iter()
            .flat_map(|expression| expression.problems(&pages))
            .collect();
        if env::var(reference::WRITE).is_none() {
            missing.extend(reference::differences(&root, &pages));
        }
        ensure!(missing.is_empty(), "{}", missing.join("\n"));
        Ok(Some(pages))
    })
    .await?;
    if env::var(reference::WRITE).is_some() {
        reference::write(&root, &pages)?;
    }
    stack.stop().await
}

/// Something of everything: sign-in, a game that the schedule and an operator advance, orders, events, mails, an error.
async fn play(file: &StackFile) -> Result<()> {
    let admin = Admin::new(file);
    let players = vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ];
    let game = players[0]
        .call(Call::new("create_game").body(json!({
            "game_name": "Measured",
            "visibility": "public",
            "min_players": 2,
            "max_players": 8,
            "enrollment_ends_at": in_an_hour(),
            "turn_schedule": "* * * * *",
        })))
        .await?;
    let game_id = game["game_id"].as_str().context("no game_id")?.to_owned();
    players[0]
        .call(Call::new("open_enrollment").path("game_id", &game_id))
        .await?;
    let mut table = Table {
        game_id,
        players,
        latencies_ms: vec![],
    };
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    table.force_turn(&admin, 1).await?;
    table
        .order(0, Table::expand(&table.report(0, 1).await?))
        .await?;
    let refused = table.players[1]
        .device
        .execute(Call::new("no_such_operation"));
    ensure!(refused.await.is_err(), "an unknown operation is refused");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stack runs on the system clock too"
)]
fn in_an_hour() -> String {
    let hour = SignedDuration::from_hours(1);
    Timestamp::now().saturating_add(hour).unwrap().to_string()
}

//! A whole game, played through the gateway with every step printed.

use anyhow::Result;
use galaxy_scenarios::{Admin, Player, Table};
use galaxy_stack::{Layout, StackFile, Ui};
use serde_json::Value;

use crate::compose_check::Project;

/// Turns that are played.
const TURNS: u64 = 6;
/// Applications that are rejected, to measure the latency of events.
const REJECTIONS: usize = 10;
const RACES: [&str; 3] = ["Terrans", "Vegans", "Marsians"];

#[derive(clap::Args)]
pub struct Args {
    /// Play on what `docker compose up` runs in this checkout, instead of what `cargo xtask up` runs.
    #[arg(long)]
    compose: bool,
}

/// Plays it where the arguments say.
pub async fn command(args: &Args, layout: &Layout, ui: Ui) -> Result<()> {
    let file = if args.compose {
        Project::of_checkout(layout.root())?.file().await?
    } else {
        StackFile::read(&layout.stack_file())?
    };
    run(&file, ui).await
}

/// Plays it on the running stack; an error if any step fails.
pub async fn run(stack: &StackFile, ui: Ui) -> Result<()> {
    let admin = Admin::new(stack);
    let players = sign_in(stack, ui).await?;
    let run = letters(&players[0].user_id[24..]);
    let mut table = Table::open(players, &format!("The demo {run}")).await?;
    ui.done(format!(
        "Ada created the game {} and opened its enrollment",
        table.game_id
    ));
    table
        .apply_and_be_rejected(2, &format!("Hopefuls {run}"), REJECTIONS)
        .await?;
    // The first rounds warm the processes up; the latencies printed at the end are of the events after them.
    table.latencies_ms.drain(..REJECTIONS);
    ui.done(format!(
        "Edsger applied and was rejected {REJECTIONS} times; each time both players got their event"
    ));
    let races = RACES.map(|race| format!("{race} {run}"));
    table
        .seat_all(&races.each_ref().map(String::as_str))
        .await?;
    ui.done(format!(
        "all applied and were approved: {}",
        races.join(", ")
    ));
    table.start().await?;
    ui.done("the engine runs; every player got the event that the game started");
    for turn in 1..=TURNS {
        play_turn(&table, &admin, turn, ui).await?;
    }
    table.shows("current_turn", TURNS).await?;
    ui.done(format!("the lobby shows turn {TURNS}"));
    sign_one_out(&table, &admin, ui).await?;
    ui.result(latencies(&mut table.latencies_ms));
    Ok(())
}

async fn sign_in(stack: &StackFile, ui: Ui) -> Result<Vec<Player>> {
    let mut players = vec![];
    for name in ["Ada", "Grace", "Edsger"] {
        let id = uuid::Uuid::now_v7().simple();
        let email = format!("{}-{id}@example.org", name.to_lowercase());
        ui.step(format!("{name} requests a sign-in code for {email}"));
        let player = Player::sign_in(stack, name, &email).await?;
        ui.done(format!(
            "{name} entered the mailed code and is signed in as {}",
            player.user_id
        ));
        players.push(player);
    }
    Ok(players)
}

async fn play_turn(table: &Table, admin: &Admin, turn: u64, ui: Ui) -> Result<()> {
    for (seat, player) in table.players.iter().enumerate() {
        let report = table.report(seat, turn - 1).await?;
        let orders = Table::expand(&report);
        ui.step(format!(
            "{} has {} and orders {}",
            player.name,
            holdings(&report),
            summary(&orders)
        ));
        if orders.as_array().is_some_and(|orders| !orders.is_empty()) {
            table.order(seat, orders).await?;
        }
    }
    table.force_turn(admin, turn).await?;
    ui.done(format!(
        "turn {turn} was generated; every player got its event"
    ));
    Ok(())
}

async fn sign_one_out(table: &Table, admin: &Admin, ui: Ui) -> Result<()> {
    let leaving = &table.players[2];
    let path = format!("/sessions/{}/revoke", leaving.device.device_session_id());
    admin
        .internal_post(&path, serde_json::json!({ "reason": "demo" }))
        .await?;
    leaving.signed_out().await?;
    ui.done(format!(
        "{}'s session was revoked, and the gateway closed its stream",
        leaving.name
    ));
    Ok(())
}

fn holdings(report: &Value) -> String {
    let planets = report["planets"].as_array().map_or(0, |planets| {
        planets
            .iter()
            .filter(|planet| planet["visibility"] == "own")
            .count()
    });
    format!("{planets} planet{}", if planets == 1 { "" } else { "s" })
}

fn summary(orders: &Value) -> String {
    orders[0]["ships"].as_u64().map_or_else(
        || "nothing".to_owned(),
        |ships| format!("{ships} ships to planet {}", orders[0]["to"]),
    )
}

/// A suffix of letters only, since race names keep to letters of one script, that makes races of each demo new.
fn letters(hex: &str) -> String {
    hex.bytes()
        .filter_map(|b| char::from_digit(u32::from(b) % 26 + 10, 36))
        .collect()
}

fn latencies(ms: &mut [f64]) -> String {
    ms.sort_by(f64::total_cmp);
    let median = ms.get(ms.len() / 2).copied().unwrap_or_default();
    let worst = ms.last().copied().unwrap_or_default();
    format!(
        "commit to event at the client: median {median:.1} ms, worst {worst:.1} ms, {} events",
        ms.len()
    )
}

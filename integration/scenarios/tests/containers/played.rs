//! Engines in containers, and two runtime managers on one Docker engine, of which one is killed again and again while a
//! game is played.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Result, ensure};
use galaxy_scenarios::{Admin, Player, Table};
use galaxy_stack::{
    Service, Stack, StackOptions,
    docker::{self, Deployment, engine_image::TestImage},
};
use serde_json::Value;

use crate::common::{all, operations, seated};

/// Turns of the game, the last one of which ends it.
const TURNS: u64 = 6;
/// How long the engine takes over each, so that kills hit turns.
const TURN_DELAY: &str = "300ms";
/// The longest pause between two kills, in milliseconds.
const LONGEST_PAUSE: u64 = 2_000;
/// Kills that a game must survive.
const LEAST_KILLS: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_game_is_played_to_its_end_while_one_of_two_managers_is_killed_again_and_again()
-> Result<()> {
    if !docker::for_test() {
        return Ok(());
    }
    let turns = TURNS.to_string();
    let image = TestImage::make(&[
        ("ENGINE_MAX_TURNS", &turns),
        ("ENGINE_TURN_DELAY", TURN_DELAY),
    ])?;
    let options = StackOptions::for_test()?.in_docker(image.name().to_owned());
    let mut stack = Stack::start(options.replicas(Service::RuntimeManager, 2)).await?;
    let file = stack.file()?;
    let table = seated(&file).await?;
    let admin = Admin::new(&file);
    let (engines, kills) = (stack.in_docker(), AtomicU64::new(0));

    let (table, containers) = tokio::select! {
        played = play(table, &admin, &engines) => played,
        failed = kill_again_and_again(&mut stack, &kills) => Err(failed),
        failed = at_most_one(&engines) => Err(failed),
    }?;
    let kills = kills.into_inner();
    ensure!(kills >= LEAST_KILLS, "only {kills} kills");
    ensure!(
        all(&engines)? == containers,
        "the engine that was started plays to the end"
    );
    turns_ran_once(&table, &admin).await?;
    stack.stop().await?;
    ensure!(
        all(&engines)?.is_empty(),
        "a stopped test leaves no container"
    );
    Ok(())
}

/// Plays all turns; returns the containers of the engine that was started.
async fn play(
    table: Table,
    admin: &Admin,
    engines: &Deployment,
) -> Result<(Table, BTreeSet<String>)> {
    table.start().await?;
    let containers = all(engines)?;
    for turn in 1..=TURNS {
        for seat in 0..table.players.len() {
            let orders = Table::expand(&table.report(seat, turn - 1).await?);
            table.order(seat, orders).await?;
        }
        table.force(admin).await?;
        for player in &table.players {
            next_turn_is(player, turn).await?;
        }
    }
    table.shows("status", "finished").await?;
    table.shows("current_turn", TURNS).await?;
    Ok((table, containers))
}

/// The next event of a turn is that of `turn`: none before it came twice.
async fn next_turn_is(player: &Player, turn: u64) -> Result<()> {
    let (event, _) = player
        .event(&format!("turn {turn} is ready"), |event| {
            event.kind == "game.turn_ready"
        })
        .await?;
    ensure!(
        event.payload["turn"] == turn,
        "{} got the event of another turn than {turn}: {}",
        player.name,
        event.payload
    );
    Ok(())
}

/// Never ends but with an error.
async fn kill_again_and_again(stack: &mut Stack, kills: &AtomicU64) -> anyhow::Error {
    const MANAGERS: [&str; 2] = ["runtime-manager", "runtime-manager-2"];
    loop {
        let random = RandomState::new().hash_one(());
        let pause = Duration::from_millis(random % LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
        let manager = MANAGERS[usize::from(random >> 63 == 1)];
        if let Err(error) = stack.crash(manager).await {
            return error.context("a manager does not start again");
        }
        kills.fetch_add(1, Ordering::Relaxed);
    }
}

/// Never ends but with an error: more than one engine of the only game runs.
async fn at_most_one(engines: &Deployment) -> anyhow::Error {
    loop {
        let looking = engines.clone();
        match tokio::task::spawn_blocking(move || looking.containers(false)).await {
            Ok(Ok(running)) if running.len() > 1 => {
                return anyhow::anyhow!("several engines of one game run: {running:?}");
            }
            Ok(Ok(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(Err(error)) => return error,
            Err(error) => return error.into(),
        }
    }
}

/// The start and each turn are one operation, which succeeded and spent no attempt on the managers' deaths.
async fn turns_ran_once(table: &Table, admin: &Admin) -> Result<()> {
    let operations = operations(admin, &table.game_id).await?;
    for (name, number) in [("start", 1), ("turn", usize::try_from(TURNS)?)] {
        let named: Vec<&Value> = operations.iter().filter(|op| op["op"] == name).collect();
        let clean = |op: &&&Value| op["status"] == "succeeded" && op["attempt"] == 0;
        ensure!(
            named.len() == number && named.iter().filter(clean).count() == number,
            "{number} of {name}: {named:?}"
        );
    }
    Ok(())
}

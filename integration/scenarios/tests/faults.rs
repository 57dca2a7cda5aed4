//! Processes killed while a game is played: events are late, none is lost, none is duplicated.

use anyhow::Result;
use galaxy_client::{Call, Event};
use galaxy_scenarios::{Admin, Player, Table};
use galaxy_stack::{Service, Stack, StackFile, StackOptions};

/// A running game of two.
async fn playing(file: &StackFile) -> Result<Table> {
    let players = vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "A game with faults").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    Ok(table)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_turns_generated_while_push_hub_is_down_arrive_afterwards() -> Result<()> {
    a_turn_without(Service::PushHub).await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_turns_generated_while_the_notifier_is_down_arrive_afterwards() -> Result<()> {
    a_turn_without(Service::Notifier).await
}

/// Kills `service`, has a turn generated, starts it again: every player gets the event, once.
async fn a_turn_without(service: Service) -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    stack.kill(service).await?;
    table.force(&admin).await?;
    table.shows("current_turn", 1).await?;
    stack.start_process(service).await?;
    table.await_turn(1).await?;
    table.force_turn(&admin, 2).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nats_down_requests_succeed_and_events_arrive_afterwards() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    stack.nats().kill().await?;
    // The gateway fails closed without its replay store; operators' requests go on.
    table.force(&admin).await?;
    let operations = format!("/runtimes/{}/operations", table.game_id);
    galaxy_scenarios::eventually(
        "the turn is done without NATS",
        std::time::Duration::from_secs(30),
        async || {
            let list = admin.get(&operations).await?;
            let turns = list["items"].as_array().cloned().unwrap_or_default();
            Ok(turns
                .iter()
                .any(|op| op["op"] == "turn" && op["status"] == "succeeded")
                .then_some(()))
        },
    )
    .await?;
    stack.nats().start_again().await?;
    table.await_turn(1).await?;
    table.shows("current_turn", 1).await?;
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_survives_a_crash_of_the_runtime_manager_and_runs_once() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    table.force(&admin).await?;
    stack.kill(Service::RuntimeManager).await?;
    stack.start_process(Service::RuntimeManager).await?;
    table.await_turn(1).await?;
    table.force_turn(&admin, 2).await?;
    let game = table.shows("current_turn", 2).await?;
    assert_eq!(game["status"], "running");
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_arrives_twice_at_a_client_that_stays_connected() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    stack.kill(Service::PushHub).await?;
    stack.start_process(Service::PushHub).await?;
    table.force_turn(&admin, 1).await?;
    table.force_turn(&admin, 2).await?;
    // A further event marks the end: a duplicate would arrive before it.
    let owner = &table.players[0];
    owner
        .call(Call::new("pause_game").path("game_id", &table.game_id))
        .await?;
    let mut turns = 0;
    let is_turn = |event: &Event| event.kind == "game.turn_ready";
    owner
        .event("the game was paused", |event| {
            turns += u32::from(is_turn(event));
            event.kind == "lobby.game.paused"
        })
        .await?;
    assert_eq!(turns, 0, "the event of a turn arrived again");
    stack.stop().await
}

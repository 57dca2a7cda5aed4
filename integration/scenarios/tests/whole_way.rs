//! The whole way through real binaries: sign in by mail, fill a game, play five turns, sign out.

use anyhow::Result;
use galaxy_client::Call;
use galaxy_scenarios::{Admin, Inbox, Player, Table};
use galaxy_stack::{Stack, StackOptions};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn three_players_sign_in_play_five_turns_and_one_is_signed_out() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);

    let mut players = vec![];
    for name in ["ada", "grace", "edsger"] {
        players.push(Player::sign_in(&file, name, &format!("{name}@example.org")).await?);
    }
    let mut table = Table::open(players, "The whole way").await?;
    table.seat_all(&["Terrans", "Vegans", "Marsians"]).await?;
    table.start().await?;
    table.shows("status", "running").await?;

    let first = table.report(0, 0).await?;
    for turn in 1..=5 {
        for seat in 0..3 {
            let orders = Table::expand(&table.report(seat, turn - 1).await?);
            table.order(seat, orders).await?;
        }
        table.force_turn(&admin, turn).await?;
    }
    let game = table.shows("current_turn", 5).await?;
    assert_eq!(game["approved_count"], 3);
    assert_ne!(
        table.report(0, 5).await?,
        first,
        "five turns change what a player sees"
    );

    let invited = Inbox::new(&file.inbox)
        .mails_to("grace@example.org")
        .await?;
    assert!(!invited.is_empty(), "the approval came by mail too");

    let leaving = &table.players[2];
    let session = leaving.device.device_session_id().to_owned();
    admin
        .internal_post(
            &format!("/sessions/{session}/revoke"),
            json!({ "reason": "test" }),
        )
        .await?;
    leaving.signed_out().await?;
    let refused = leaving
        .device
        .execute(Call::new("get_account"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "session_revoked");
    assert_eq!(
        admin.internal_get(&format!("/sessions/{session}")).await?["status"],
        "revoked"
    );
    stack.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_stopped_and_started_continues_its_games() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let mut table = Table::open(two_players(&file).await?, "Stop and go").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    table.force_turn(&admin, 1).await?;
    for service in galaxy_stack::Service::ALL {
        stack
            .stop_process(service, std::time::Duration::from_secs(20))
            .await?;
    }
    for service in galaxy_stack::Service::ALL {
        stack.start_process(service).await?;
    }
    for player in &table.players {
        player.resynced().await?;
    }
    table.force_turn(&admin, 2).await?;
    table.shows("current_turn", 2).await?;
    stack.stop().await
}

async fn two_players(file: &galaxy_stack::StackFile) -> Result<Vec<Player>> {
    Ok(vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ])
}

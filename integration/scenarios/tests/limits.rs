//! The limits of `gateway` and `api` agree: a body that `api` takes passes the gateway, and so does one that is a byte too
//! large, so that the refusal is the one of `api`.

use anyhow::Result;
use galaxy_client::Call;
use galaxy_scenarios::{Player, Table};
use galaxy_stack::{Stack, StackOptions};
use serde_json::{Value, json};

/// The default of `BACKEND_HTTP_BODY_LIMIT`, in bytes.
const BODY_LIMIT: usize = 64 << 10;
/// The default of `BACKEND_ENGINE_BODY_LIMIT`, in bytes.
const ENGINE_BODY_LIMIT: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_lets_through_what_api_takes_and_api_refuses_a_byte_more() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let players = vec![
        Player::sign_in(&file, "ada", "ada@example.org").await?,
        Player::sign_in(&file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "A game with large bodies").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    let player = &table.players[0];

    // The body is read and found to lack fields.
    let create = Call::new("create_game");
    let described = |text: String| json!({ "game_name": "Large", "description": text });
    let exact = answer(player, &create, sized(BODY_LIMIT, described)).await?;
    assert_eq!(exact, (400, "invalid_request".to_owned()));
    let more = answer(player, &create, sized(BODY_LIMIT + 1, described)).await?;
    assert_eq!(more, (413, "body_too_large".to_owned()));

    // The body goes on to the engine, whose own limit it exceeds together with the player's id.
    for (operation, field) in [("post_commands", "commands"), ("post_orders", "orders")] {
        let call = Call::new(operation).path("game_id", &table.game_id);
        let list = |text: String| json!({ field: [text] });
        let exact = answer(player, &call, sized(ENGINE_BODY_LIMIT, list)).await?;
        assert_eq!(exact, (422, "engine_refused".to_owned()), "{operation}");
        let more = answer(player, &call, sized(ENGINE_BODY_LIMIT + 1, list)).await?;
        assert_eq!(more, (413, "body_too_large".to_owned()), "{operation}");
    }
    stack.stop().await
}

/// A body of `size` bytes: `body` around a text of the length that remains.
fn sized(size: usize, body: impl Fn(String) -> Value) -> Value {
    let around = body(String::new()).to_string().len();
    body("x".repeat(size - around))
}

/// The status and code with which `api` refuses `body`. A refusal of the gateway itself is an error.
async fn answer(player: &Player, call: &Call, body: Value) -> Result<(u16, String)> {
    let response = player.device.execute(call.clone().body(body)).await?;
    let error = response.json()?;
    let code = error["error"]["code"].as_str().unwrap_or_default();
    Ok((response.status, code.to_owned()))
}

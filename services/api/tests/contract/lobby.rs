//! Valid calls: the lobby, and through it the engines.

use axum::Router;
use galaxy_api::lobby::RuntimeEvents;
use galaxy_core::{
    EngineHealth, EventId, FailureCode, GameId, GameStage, Op, OperationId, RuntimeStatus, UserId,
};
use galaxy_events::{
    Envelope, Event, Handler,
    catalogue::runtime::{OperationFinished, PlayerSnapshot, RuntimeSnapshot},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::walk::{Walk, Who, nothing, text, with};

pub async fn walk(walk: &mut Walk) {
    let body = json!({ "version": "1.0.0", "image_ref": "registry.example.org/engine:1.0.0" });
    walk.call(
        "create_engine_version",
        Who::Admin,
        nothing().body(body),
        201,
    )
    .await;
    let owner = rich(walk).await;
    walk.call("list_lobby_engines", Who::User(owner), nothing(), 200)
        .await;
    let game = enroll(walk, owner).await;
    let winner = roster(walk, owner, game).await;
    own_lists(walk, owner, winner).await;
    run(walk, owner, game).await;
    engine(walk, winner, game).await;
    finish(walk, winner, game).await;
}

/// A player who may have many games.
pub async fn rich(walk: &Walk) -> UserId {
    let user = walk.api.world.account().await;
    sqlx::query("update backend.entitlement_snapshots set tier = 'permanent', max_registered_race_names = 100 where user_id = $1")
        .bind(user.uuid())
        .execute(walk.api.world.db.pool())
        .await
        .unwrap();
    user
}

/// A new draft.
pub async fn draft(walk: &mut Walk, owner: UserId) -> GameId {
    let ends = walk.api.world.clock.now() + SignedDuration::from_hours(24);
    let body = json!({
        "game_name": "Orion's arm", "visibility": "public", "min_players": 2, "max_players": 6,
        "enrollment_ends_at": ends, "turn_schedule": "0 18 * * *",
    });
    let game = walk
        .call("create_game", Who::User(owner), nothing().body(body), 201)
        .await;
    text(&game, "game_id").parse().unwrap()
}

async fn enroll(walk: &mut Walk, owner: UserId) -> GameId {
    let me = Who::User(owner);
    let other = draft(walk, owner).await;
    walk.call("cancel_game", me, with([other]), 200).await;
    let game = draft(walk, owner).await;
    walk.call("get_game", me, with([game]), 200).await;
    let body = json!({ "description": "A quiet corner." });
    walk.call("update_game", me, with([game]).body(body), 200)
        .await;
    walk.call("open_enrollment", me, with([game]), 200).await;
    walk.call("open_enrollment", me, with([game]), 409).await;
    let visitor = Who::User(walk.api.world.account().await);
    walk.call(
        "list_games",
        visitor,
        nothing().query("status=enrollment_open&q=ori"),
        200,
    )
    .await;
    walk.call(
        "update_game",
        visitor,
        with([game]).body(json!({ "description": "x" })),
        403,
    )
    .await;
    game
}

/// Lets a player in by application; gives the player.
pub async fn join(walk: &mut Walk, owner: UserId, game: GameId, race: &str) -> UserId {
    let player = walk.api.world.account().await;
    let application = apply(walk, player, game, race).await;
    walk.call(
        "approve_application",
        Who::User(owner),
        with([game.to_string(), application]),
        200,
    )
    .await;
    player
}

async fn apply(walk: &mut Walk, player: UserId, game: GameId, race: &str) -> String {
    let body = json!({ "race_name": race });
    let made = walk
        .call(
            "submit_application",
            Who::User(player),
            with([game]).body(body),
            201,
        )
        .await;
    text(&made, "application_id")
}

async fn membership_of(walk: &mut Walk, owner: UserId, game: GameId, player: UserId) -> String {
    let list = walk
        .call("list_memberships", Who::User(owner), with([game]), 200)
        .await;
    let items = list["items"].as_array().unwrap();
    let found = items
        .iter()
        .find(|item| item["user_id"] == player.to_string());
    text(found.unwrap(), "membership_id")
}

/// Fills the game; gives one of two players who stay.
async fn roster(walk: &mut Walk, owner: UserId, game: GameId) -> UserId {
    let me = Who::User(owner);
    let winner = join(walk, owner, game, "Zorgons").await;
    join(walk, owner, game, "Betas").await;
    let refused = walk.api.world.account().await;
    let application = apply(walk, refused, game, "Gammas").await;
    walk.call("list_applications", me, with([game]), 200).await;
    walk.call(
        "reject_application",
        me,
        with([game.to_string(), application]),
        200,
    )
    .await;

    let blocked = join(walk, owner, game, "Deltas").await;
    let membership = membership_of(walk, owner, game, blocked).await;
    walk.call(
        "block_membership",
        me,
        with([game.to_string(), membership]),
        204,
    )
    .await;

    let invite = async |walk: &mut Walk, body: Value| {
        let made = walk
            .call("create_invite", me, with([game]).body(body), 201)
            .await;
        (
            text(&made, "invite_id"),
            made["code"].as_str().map(str::to_owned),
        )
    };
    let guest = walk.api.world.account().await;
    let (declined, _) = invite(walk, json!({ "invited_user_id": guest })).await;
    walk.call("list_my_invites", Who::User(guest), nothing(), 200)
        .await;
    walk.call(
        "decline_invite",
        Who::User(guest),
        with([game.to_string(), declined]),
        204,
    )
    .await;
    let (revoked, _) = invite(walk, json!({})).await;
    walk.call("list_invites", me, with([game]), 200).await;
    walk.call("revoke_invite", me, with([game.to_string(), revoked]), 204)
        .await;
    let (redeemed, code) = invite(walk, json!({})).await;
    let body = json!({ "race_name": "Epsilons", "code": code.unwrap() });
    let member = walk
        .call(
            "redeem_invite",
            Who::User(guest),
            with([game.to_string(), redeemed]).body(body),
            200,
        )
        .await;
    let leave = with([game.to_string(), text(&member, "membership_id")]);
    walk.call("remove_membership", Who::User(guest), leave, 204)
        .await;
    winner
}

async fn own_lists(walk: &mut Walk, owner: UserId, winner: UserId) {
    walk.call("list_my_games", Who::User(owner), nothing(), 200)
        .await;
    walk.call("list_my_applications", Who::User(winner), nothing(), 200)
        .await;
    walk.call("list_my_race_names", Who::User(winner), nothing(), 200)
        .await;
}

async fn run(walk: &mut Walk, owner: UserId, game: GameId) {
    let me = Who::User(owner);
    walk.call("ready_to_start", me, with([game]), 200).await;
    walk.call("start_game", me, with([game]), 202).await;
    happened(walk, &start(game, 2, false)).await;
    runtime_is(walk, game, "start_failed").await;
    walk.call("retry_start", me, with([game]), 202).await;
    runtime_is(walk, game, "running").await;
    happened(walk, &start(game, 3, true)).await;
    walk.call("pause_game", me, with([game]), 200).await;
    runtime_is(walk, game, "paused").await;
    walk.call("resume_game", me, with([game]), 200).await;
    runtime_is(walk, game, "running").await;
    walk.call("pause_game", me, with([game]), 200).await;
    walk.call("resume_any_game", Who::Admin, with([game]), 200)
        .await;
    walk.call("resume_any_game", Who::Admin, with([game]), 409)
        .await;
    runtime_is(walk, game, "running").await;
}

/// Orders, commands and reports, with an engine that says yes.
async fn engine(walk: &mut Walk, player: UserId, game: GameId) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let seat = uuid::Uuid::now_v7();
    let yes = Router::new().fallback(async move || {
        let results = json!([{ "ok": true }]);
        let answer = json!({ "game_id": game, "player_id": seat, "turn": 1, "results": results });
        axum::Json(answer)
    });
    walk.api.world.process.tasks.spawn("engine", async move {
        axum::serve(listener, yes).await.unwrap();
    });
    sqlx::query(
        "with seat as (insert into backend.player_mappings (game_id, user_id, race_name, engine_player_uuid)
                       values ($1, $2, 'Zorgons', $4))
         update backend.runtime_records set endpoint = $3 where game_id = $1",
    )
    .bind(game.uuid())
    .bind(player.uuid())
    .bind(endpoint)
    .bind(seat)
    .execute(walk.api.world.db.pool())
    .await
    .unwrap();
    let me = Who::User(player);
    let body = json!({ "orders": [{ "order": "move" }] });
    walk.call("post_orders", me, with([game]).body(body), 200)
        .await;
    let body = json!({ "commands": [{ "command": "look" }] });
    walk.call("post_commands", me, with([game]).body(body), 200)
        .await;
    walk.call(
        "get_report",
        me,
        with([game.to_string(), "1".to_owned()]),
        200,
    )
    .await;
    let stranger = Who::User(walk.api.world.account().await);
    walk.call(
        "get_report",
        stranger,
        with([game.to_string(), "1".to_owned()]),
        403,
    )
    .await;
}

/// Ends the game; the winner earns its name.
async fn finish(walk: &mut Walk, winner: UserId, game: GameId) {
    let player = PlayerSnapshot {
        user_id: winner,
        race_name: "Zorgons".to_owned(),
        planets: 3,
        population: 900,
        max_planets: 3,
        max_population: 900,
        initial_planets: 1,
        initial_population: 500,
        active: true,
    };
    let snapshot = RuntimeSnapshot {
        game_id: game,
        version: 9,
        turn: 3,
        stage: GameStage::Running.into(),
        runtime_status: RuntimeStatus::Running.into(),
        engine_health: EngineHealth::Healthy.into(),
        next_turn_at: None,
        players: vec![player],
    };
    happened(walk, &snapshot).await;
    super::admin::runtime(walk, game).await;
    walk.call("force_stop", Who::Admin, with([game]), 200).await;
    let body = json!({ "name": "Zorgons" });
    walk.call(
        "register_race_name",
        Who::User(winner),
        nothing().body(body.clone()),
        200,
    )
    .await;
    walk.call(
        "register_race_name",
        Who::User(winner),
        nothing().body(body),
        409,
    )
    .await;
}

fn start(game_id: GameId, version: i64, succeeded: bool) -> OperationFinished {
    OperationFinished {
        game_id,
        version,
        operation_id: OperationId::generate(),
        op: Op::Start.into(),
        succeeded,
        error: (!succeeded).then(|| FailureCode::ImagePullFailed.into()),
    }
}

/// Does to the runtime's rows what a runtime manager would have done.
pub async fn runtime_is(walk: &Walk, game: GameId, status: &str) {
    let pool = walk.api.world.db.pool();
    sqlx::query("update backend.runtime_records set status = $2 where game_id = $1")
        .bind(game.uuid())
        .bind(status)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("update backend.runtime_operation_log set status = 'succeeded', finished_at = now() where game_id = $1 and status = 'queued'")
        .bind(game.uuid())
        .execute(pool)
        .await
        .unwrap();
}

/// Gives the lobby an event of the runtime, as its consumer would.
async fn happened<E: Event>(walk: &Walk, event: &E) {
    let envelope = Envelope {
        id: EventId::generate(),
        event_type: E::TYPE.to_owned(),
        time: walk.api.world.clock.now(),
        traceparent: None,
        data: serde_json::to_vec(event).unwrap().into(),
    };
    let handler = RuntimeEvents {
        clock: walk.api.world.clock.clone(),
    };
    let mut tx = walk.api.world.db.begin().await.unwrap();
    handler.apply(&mut tx, &envelope).await.unwrap();
    tx.commit().await.unwrap();
}

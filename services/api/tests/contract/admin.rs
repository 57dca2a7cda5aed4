//! Valid calls: what operators do with games, engines, mails and notifications.

use galaxy_core::GameId;
use galaxy_events::rpc::RuntimeLogs;
use serde_json::json;
use uuid::Uuid;

use super::{
    lobby::{draft, join, rich},
    walk::{Walk, Who, nothing, text, with},
};

pub async fn walk(walk: &mut Walk) {
    games(walk).await;
    versions(walk).await;
    mails(walk).await;
    notifications(walk).await;
}

async fn games(walk: &mut Walk) {
    let owner = rich(walk).await;
    let game = draft(walk, owner).await;
    walk.call("open_enrollment", Who::User(owner), with([game]), 200)
        .await;
    let member = join(walk, owner, game, "Thetas").await;
    join(walk, owner, game, "Iotas").await;
    walk.call("list_all_games", Who::Admin, nothing(), 200)
        .await;
    walk.call("get_any_game", Who::Admin, with([game]), 200)
        .await;
    let body = json!({ "user_id": member, "reason": "Plays two accounts." });
    walk.call("ban_member", Who::Admin, with([game]).body(body), 204)
        .await;
    walk.call("force_start", Who::Admin, with([game]), 202)
        .await;
    walk.call("force_start", Who::Admin, with([game]), 409)
        .await;
    let other = draft(walk, owner).await;
    walk.call("cancel_any_game", Who::Admin, with([other]), 200)
        .await;
    walk.call("cancel_any_game", Who::Admin, with([other]), 409)
        .await;
}

/// What operators do to a running engine.
pub async fn runtime(walk: &mut Walk, game: GameId) {
    walk.call("list_runtimes", Who::Admin, nothing(), 200).await;
    walk.call("get_runtime", Who::Admin, with([game]), 200)
        .await;
    walk.call("force_next_turn", Who::Admin, with([game]), 202)
        .await;
    walk.call("force_next_turn", Who::Admin, with([game]), 409)
        .await;
    super::lobby::runtime_is(walk, game, "running").await;
    walk.call("restart_runtime", Who::Admin, with([game]), 202)
        .await;
    super::lobby::runtime_is(walk, game, "running").await;
    let body = json!({ "version": "1.0.1", "image_ref": "registry.example.org/engine:1.0.1" });
    walk.call(
        "create_engine_version",
        Who::Admin,
        nothing().body(body),
        201,
    )
    .await;
    let body = json!({ "version": "1.0.1" });
    walk.call("patch_runtime", Who::Admin, with([game]).body(body), 202)
        .await;
    super::lobby::runtime_is(walk, game, "running").await;
    walk.call("list_runtime_operations", Who::Admin, with([game]), 200)
        .await;
    levers(walk, game).await;
    node(walk, game).await;
}

/// What operators do when something went wrong.
async fn levers(walk: &mut Walk, game: GameId) {
    let taken = walk
        .call("take_engine_turn", Who::Admin, with([game]), 202)
        .await;
    walk.call("explain_runtime", Who::Admin, with([game]), 200)
        .await;
    let operation = || with([game.to_string(), text(&taken, "operation_id")]);
    let cancel = "cancel_runtime_operation";
    walk.call(cancel, Who::Admin, operation(), 200).await;
    walk.call(cancel, Who::Admin, operation(), 409).await;
    walk.call("retry_turn", Who::Admin, with([game]), 409).await;
    super::lobby::runtime_is(walk, game, "generation_failed").await;
    walk.call("retry_turn", Who::Admin, with([game]), 202).await;
    super::lobby::runtime_is(walk, game, "running").await;
    walk.call("stop_runtime", Who::Admin, with([game]), 202)
        .await;
    super::lobby::runtime_is(walk, game, "running").await;
    for status in ["failed", "overdue"] {
        let query = format!("status={status}&limit=1");
        let query = nothing().query(&query);
        walk.call("list_operations", Who::Admin, query, 200).await;
    }
}

/// The node that the engine is on, and what it answers.
async fn node(walk: &mut Walk, game: GameId) {
    let id = format!("a place/{game}");
    walk.call("read_runtime_logs", Who::Admin, with([game]), 409)
        .await;
    sqlx::query(
        "with node as (insert into backend.runtime_nodes (node_id, driver, name, heartbeat_at)
                       values ($2, 'process', 'a place', now())),
         seen as (insert into backend.runtime_health_snapshots (snapshot_id, game_id, observed_at, payload)
                  values (gen_random_uuid(), $1, now(), $3))
         update backend.runtime_records set node_id = $2 where game_id = $1",
    )
    .bind(game.uuid())
    .bind(&id)
    .bind(json!({ "turn": 3, "stage": "running", "engine_health": "healthy", "players": [] }))
    .execute(walk.api.world.db.pool())
    .await
    .unwrap();
    walk.call("list_runtime_health", Who::Admin, with([game]), 200)
        .await;
    walk.call("list_nodes", Who::Admin, nothing(), 200).await;
    let path = || with([id.replace(' ', "%20").replace('/', "%2F")]);
    walk.call("drain_node", Who::Admin, path(), 200).await;
    walk.call("undrain_node", Who::Admin, path(), 200).await;
    walk.call("drain_node", Who::Admin, with(["nowhere"]), 404)
        .await;
    let logs = || with([game]).query("tail=7&previous=true");
    walk.call("read_runtime_logs", Who::Admin, logs(), 503)
        .await;
    let answer = |question: RuntimeLogs| async move {
        assert_eq!((question.tail, question.previous), (7, true));
        Ok("turn 3\n".to_owned())
    };
    let process = &walk.api.world.process;
    walk.nats.answer(process, &id, answer).await.unwrap();
    walk.call("read_runtime_logs", Who::Admin, logs(), 200)
        .await;
}

async fn versions(walk: &mut Walk) {
    let engine = json!({ "engine_name": "star-chess", "title": "Star chess" });
    walk.call(
        "create_engine",
        Who::Admin,
        nothing().body(engine.clone()),
        201,
    )
    .await;
    walk.call("create_engine", Who::Admin, nothing().body(engine), 409)
        .await;
    walk.call("list_engines", Who::Admin, nothing(), 200).await;
    let title = || json!({ "title": "Chess of stars" });
    walk.call(
        "update_engine",
        Who::Admin,
        with(["star-chess"]).body(title()),
        200,
    )
    .await;
    walk.call(
        "update_engine",
        Who::Admin,
        with(["nothing"]).body(title()),
        404,
    )
    .await;
    let body = json!({
        "engine_name": "star-chess", "version": "1.0.1", "image_ref": "registry.example.org/chess:1.0.1",
        "resources": { "memory_mib": 64 }, "is_candidate": true, "min_players": 2, "max_players": 2,
        "options_schema": { "type": "object", "properties": { "board": { "type": "integer" } } }
    });
    walk.call(
        "create_engine_version",
        Who::Admin,
        nothing().body(body),
        201,
    )
    .await;
    let check = "check_engine_version";
    walk.call(check, Who::Admin, with(["star-chess@1.0.1"]), 202)
        .await;
    walk.call(check, Who::Admin, with(["star-chess@9.9.9"]), 404)
        .await;
    walk.call("list_engine_versions", Who::Admin, nothing(), 200)
        .await;
    let body = json!({ "image_ref": "registry.example.org/engine:1.0.1-b2" });
    walk.call(
        "update_engine_version",
        Who::Admin,
        with(["1.0.1"]).body(body),
        200,
    )
    .await;
    walk.call("disable_engine_version", Who::Admin, with(["1.0.1"]), 200)
        .await;
    walk.call("disable_engine_version", Who::Admin, with(["9.9.9"]), 404)
        .await;
}

async fn mails(walk: &mut Walk) {
    let sent = Uuid::now_v7();
    sqlx::query(
        "with payload as (
             insert into backend.mail_payloads (payload_id, content_type, subject, body)
             values ($1, 'text/plain; charset=utf-8', 'A turn', 'It is your turn.')),
         delivery as (
             insert into backend.mail_deliveries
                 (delivery_id, template_id, idempotency_key, payload_id, message_id, status, finished_at)
             values ($1, 'test', 'test', $1, 'test', 'sent', now()))
         insert into backend.mail_recipients (recipient_id, delivery_id, address) values ($1, $1, 'ada@example.org')",
    )
    .bind(sent)
    .execute(walk.api.world.db.pool())
    .await
    .unwrap();
    let list = walk
        .call(
            "list_mail_deliveries",
            Who::Admin,
            nothing().query("limit=1"),
            200,
        )
        .await;
    assert!(
        list["next_cursor"].is_string(),
        "there are the login codes too"
    );
    walk.call("get_mail_delivery", Who::Admin, with([sent]), 200)
        .await;
    walk.call("list_mail_attempts", Who::Admin, with([sent]), 200)
        .await;
    let again = walk
        .call("resend_mail", Who::Admin, with([sent]), 201)
        .await;
    assert_ne!(text(&again, "delivery_id"), sent.to_string());
    walk.call("get_mail_delivery", Who::Admin, with([Uuid::now_v7()]), 404)
        .await;
    walk.call("list_mail_dead_letters", Who::Admin, nothing(), 200)
        .await;
}

async fn notifications(walk: &mut Walk) {
    let id = Uuid::now_v7();
    let user = walk.api.world.account().await;
    sqlx::query(
        "with notification as (
             insert into backend.notifications (notification_id, kind, idempotency_key, user_id, payload)
             values ($1, 'session.new_device', 'test', $2, '{}')),
         route as (
             insert into backend.notification_routes (route_id, notification_id, channel, status)
             values ($1, $1, 'mail', 'dead'))
         insert into backend.notification_dead_letters (dead_letter_id, notification_id, route_id, reason)
         values ($1, $1, $1, 'a test')",
    )
    .bind(id)
    .bind(user.uuid())
    .execute(walk.api.world.db.pool())
    .await
    .unwrap();
    walk.call("list_notifications", Who::Admin, nothing(), 200)
        .await;
    walk.call("get_notification", Who::Admin, with([id]), 200)
        .await;
    walk.call("list_notification_dead_letters", Who::Admin, nothing(), 200)
        .await;
    walk.call(
        "replay_notification_dead_letter",
        Who::Admin,
        with([id]),
        204,
    )
    .await;
    walk.call(
        "replay_notification_dead_letter",
        Who::Admin,
        with([id]),
        409,
    )
    .await;
    walk.call("list_malformed_notifications", Who::Admin, nothing(), 200)
        .await;
}

//! Valid calls: sign-in, sessions, accounts.

use galaxy_core::UserId;
use galaxy_notifications::{kind::Group, unsubscribe};
use jiff::SignedDuration;
use serde_json::json;

use super::{
    support::confirmation,
    walk::{Walk, Who, nothing, text, with},
};

/// A new account, through the front door.
pub async fn sign_in(walk: &mut Walk, email: &str) -> (UserId, String) {
    let body = json!({ "email": email, "locale": "de" });
    let sent = walk
        .call("send_email_code", Who::Nobody, nothing().body(body), 200)
        .await;
    let code = walk.api.code_of(email).await.unwrap();
    let body = confirmation(&text(&sent, "challenge_id"), &code);
    let confirmed = walk
        .call("confirm_email_code", Who::Nobody, nothing().body(body), 200)
        .await;
    let session = text(&confirmed, "device_session_id");
    let found = walk
        .call("get_session", Who::Gateway, with([&session]), 200)
        .await;
    (text(&found, "user_id").parse().unwrap(), session)
}

pub async fn walk(walk: &mut Walk) {
    walk.call("healthz", Who::Nobody, nothing(), 200).await;
    walk.call("readyz", Who::Nobody, nothing(), 200).await;
    let (ada, session) = sign_in(walk, "ada@example.org").await;
    let me = Who::User(ada);
    walk.call("list_own_sessions", me, nothing(), 200).await;
    walk.call("revoke_own_session", me, with([&session]), 204)
        .await;
    walk.api.advance(SignedDuration::from_secs(61));
    let (_, session) = sign_in(walk, "ada@example.org").await;
    let reason = json!({ "reason": "signed_out" });
    walk.call(
        "revoke_session",
        Who::Gateway,
        with([&session]).body(reason.clone()),
        204,
    )
    .await;
    walk.call(
        "revoke_all_sessions",
        Who::Gateway,
        with([ada]).body(reason),
        200,
    )
    .await;
    walk.call("get_account_internal", Who::Gateway, with([ada]), 200)
        .await;
    walk.call("get_account", me, nothing(), 200).await;
    let body = json!({ "display_name": "Ada" });
    walk.call("update_profile", me, nothing().body(body), 200)
        .await;
    let body = json!({ "time_zone": "Europe/Vienna", "notifications": { "quiet_hours": { "from": "22:00", "to": "07:00" } } });
    walk.call("update_settings", me, nothing().body(body), 200)
        .await;
    let token = unsubscribe::token(&"a key for links".to_owned().into(), ada, Group::Turns);
    let query = format!("token={token}");
    walk.call("unsubscribe", Who::Nobody, nothing().query(&query), 204)
        .await;
    operators_on_users(walk, ada).await;
    endings(walk).await;
    admin_accounts(walk).await;
}

async fn operators_on_users(walk: &mut Walk, ada: UserId) {
    walk.call(
        "search_users",
        Who::Admin,
        nothing().query("email=ada"),
        200,
    )
    .await;
    walk.call("list_user_countries", Who::Admin, with([ada]), 200)
        .await;
    let body = json!({ "sanction_code": "game_join_block", "action": "apply", "reason": "x" });
    walk.call("sanction_user", Who::Admin, with([ada]).body(body), 200)
        .await;
    let body = json!({ "sanction_code": "game_join_block", "action": "remove", "reason": "x" });
    walk.call(
        "sanction_user",
        Who::Admin,
        with([ada]).body(body.clone()),
        200,
    )
    .await;
    walk.call("sanction_user", Who::Admin, with([ada]).body(body), 409)
        .await;
    let body =
        json!({ "limit_code": "max_owned_games", "action": "set", "value": 9, "reason": "x" });
    walk.call("limit_user", Who::Admin, with([ada]).body(body), 200)
        .await;
    let ends_at = walk.api.world.clock.now() + SignedDuration::from_hours(24);
    let body = json!({ "tier": "monthly", "source": "gift", "reason": "x", "ends_at": ends_at });
    walk.call("entitle_user", Who::Admin, with([ada]).body(body), 200)
        .await;
    walk.call("get_user", Who::Admin, with([ada]), 200).await;
}

async fn endings(walk: &mut Walk) {
    let (bob, _) = sign_in(walk, "bob@example.org").await;
    walk.call("delete_account", Who::User(bob), nothing(), 204)
        .await;
    walk.call("get_account", Who::User(bob), nothing(), 401)
        .await;
    let (eve, _) = sign_in(walk, "eve@example.org").await;
    walk.call("soft_delete_user", Who::Admin, with([eve]), 204)
        .await;
    walk.call("soft_delete_user", Who::Admin, with([eve]), 404)
        .await;
}

async fn admin_accounts(walk: &mut Walk) {
    let body = json!({ "username": "ops-2", "password": "correct horse battery" });
    walk.call(
        "create_admin_account",
        Who::Admin,
        nothing().body(body.clone()),
        201,
    )
    .await;
    walk.call(
        "create_admin_account",
        Who::Admin,
        nothing().body(body),
        409,
    )
    .await;
    walk.call("list_admin_accounts", Who::Admin, nothing(), 200)
        .await;
    walk.call("get_admin_account", Who::Admin, with(["ops-2"]), 200)
        .await;
    let body = json!({ "password": "correct horse battery 2" });
    walk.call(
        "reset_admin_password",
        Who::Admin,
        with(["ops-2"]).body(body),
        204,
    )
    .await;
    walk.call("disable_admin_account", Who::Admin, with(["ops-2"]), 200)
        .await;
    walk.call("disable_admin_account", Who::Admin, with(["root"]), 409)
        .await;
    walk.call("enable_admin_account", Who::Admin, with(["ops-2"]), 200)
        .await;
    walk.call("list_audit_log", Who::Admin, nothing(), 200)
        .await;
}

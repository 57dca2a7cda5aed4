//! Sessions end, one by one and all at once.

use galaxy_events::catalogue::session::SessionRevoked;
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, Call};

const PUSHED: &str =
    "select count(*) from backend.event_outbox where subject = 'galaxy.push.invalidation'";

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_revoked_session_is_shown_as_such_and_the_gateways_get_an_invalidation(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    let path = format!("/api/v1/internal/sessions/{session}/revoke");
    api.post(&path, &json!({ "reason": "signed_out" }))
        .await
        .expect(204);
    assert_eq!(api.session(&session).await.expect(200)["status"], "revoked");
    api.post(&path, &json!({ "reason": "again" }))
        .await
        .expect(204);
    let revoked = api.world.events::<SessionRevoked>().await;
    assert_eq!(revoked.len(), 1, "ending an ended one says nothing");
    assert_eq!(
        (revoked[0].user_id, revoked[0].reason.to_string()),
        (user, "signed_out".to_owned())
    );
    assert_eq!(api.world.count(PUSHED).await, 1);
    let unknown = format!("/api/v1/internal/sessions/{}/revoke", uuid::Uuid::now_v7());
    api.post(&unknown, &json!({ "reason": "x" }))
        .await
        .refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn all_sessions_of_a_user_end_but_the_excepted_one(pool: PgPool) {
    let api = Api::new(pool).await;
    let (first, user) = api.sign_in("ada@example.org").await;
    api.advance(SignedDuration::from_mins(2));
    let (second, _) = api.sign_in("ada@example.org").await;
    let path = format!("/api/v1/internal/sessions/users/{user}/revoke-all");
    let body = json!({ "reason": "stolen phone", "except": second });
    assert_eq!(api.post(&path, &body).await.expect(200)["revoked"], 1);
    assert_eq!(api.session(&first).await.expect(200)["status"], "revoked");
    assert_eq!(api.session(&second).await.expect(200)["status"], "active");
    let body = json!({ "reason": "all" });
    assert_eq!(api.post(&path, &body).await.expect(200)["revoked"], 1);
    assert_eq!(api.post(&path, &body).await.expect(200)["revoked"], 0);
    let unknown = format!(
        "/api/v1/internal/sessions/users/{}/revoke-all",
        uuid::Uuid::now_v7()
    );
    api.post(&unknown, &body).await.refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn players_see_and_end_only_their_own_sessions(pool: PgPool) {
    let api = Api::new(pool).await;
    let (mine, me) = api.sign_in("ada@example.org").await;
    let (theirs, _) = api.sign_in("bob@example.org").await;
    let list = api.as_user(me, "GET", "/sessions", None).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["device_session_id"], mine);
    let path = |id: &str| format!("/sessions/{id}/revoke");
    api.as_user(me, "POST", &path(&theirs), None)
        .await
        .refused(404, "not_found");
    assert_eq!(api.session(&theirs).await.expect(200)["status"], "active");
    api.as_user(me, "POST", &path(&mine), None)
        .await
        .expect(204);
    assert_eq!(api.session(&mine).await.expect(200)["status"], "revoked");
    let list = api.as_user(me, "GET", "/sessions", None).await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn when_a_session_was_used_is_written_once_a_minute(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    let seen = async || {
        galaxy_api::auth::sessions::last_seen::flush(&api.domains.sessions)
            .await
            .unwrap();
        let list = api
            .as_user(user, "GET", "/sessions", None)
            .await
            .expect(200);
        list["items"][0]["last_seen_at"].clone()
    };
    api.session(&session).await.expect(200);
    let first = seen().await;
    assert!(first.is_string());
    api.advance(SignedDuration::from_secs(30));
    api.session(&session).await.expect(200);
    assert_eq!(seen().await, first);
    api.advance(SignedDuration::from_secs(31));
    api.session(&session).await.expect(200);
    assert_ne!(seen().await, first);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn user_and_internal_routes_need_the_gateways_token_if_there_is_one(pool: PgPool) {
    let variables = [("BACKEND_GATEWAY_TOKEN", "the token of the gateway")];
    let api = Api::with(pool, &variables, None).await;
    let user = api.world.account().await;
    let path = format!("/api/v1/internal/users/{user}/account-internal");
    for path in [path.as_str(), "/api/v1/user/account"] {
        let call = || Call::new("GET", path).user(user);
        api.send(call()).await.refused(401, "unauthorized");
        let wrong = call().header("authorization", "Bearer the token of the gatewaz");
        api.send(wrong).await.refused(401, "unauthorized");
        let right = call().header("authorization", "Bearer the token of the gateway");
        api.send(right).await.expect(200);
    }
}

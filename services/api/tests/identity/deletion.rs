//! What is left of an account that is deleted.

use galaxy_core::RecordId;
use galaxy_events::catalogue::account::AccountDeleted;
use jiff::SignedDuration;
use sqlx::PgPool;

use super::support::Api;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn deletion_ends_sessions_releases_the_lobby_and_frees_the_address(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    let owned = api.world.game(user, "enrollment_open").await;
    sqlx::query("insert into backend.user_country_counters (user_id, country, count, last_seen_at) values ($1, 'AT', 1, now())")
        .bind(user.uuid())
        .execute(api.world.db.pool())
        .await
        .unwrap();
    api.as_user(user, "POST", "/account/delete", None)
        .await
        .expect(204);

    assert_eq!(api.session(&session).await.expect(200)["status"], "revoked");
    let status: String = sqlx::query_scalar("select status from backend.games where game_id = $1")
        .bind(owned.uuid())
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert_eq!(status, "cancelled");
    assert_eq!(
        api.world
            .count("select count(*) from backend.user_country_counters")
            .await,
        0
    );
    assert_eq!(api.world.events::<AccountDeleted>().await.len(), 1);
    let row: String = sqlx::query_scalar("select a::text from backend.accounts a")
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert!(
        !row.contains("example.org") && !row.contains("Vienna"),
        "{row}"
    );

    api.advance(SignedDuration::from_mins(2));
    let (_, another) = api.sign_in("ada@example.org").await;
    assert_ne!(another, user, "the address makes a new account");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_sent_before_the_deletion_opens_no_session(pool: PgPool) {
    let api = Api::new(pool).await;
    let (_, user) = api.sign_in("ada@example.org").await;
    api.advance(SignedDuration::from_mins(2));
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    api.as_user(user, "POST", "/account/delete", None)
        .await
        .expect(204);
    api.try_code(&challenge, &code)
        .await
        .refused(400, "invalid_code");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operators_delete_accounts_once(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let path = format!("/users/{user}/soft-delete");
    api.as_root("POST", &path, None).await.expect(204);
    api.as_root("POST", &path, None)
        .await
        .refused(404, "not_found");
    let unknown = format!("/users/{}/soft-delete", RecordId::generate());
    api.as_root("POST", &unknown, None)
        .await
        .refused(404, "not_found");
    assert_eq!(
        api.world
            .count("select count(*) from backend.admin_audit_log")
            .await,
        1
    );
}

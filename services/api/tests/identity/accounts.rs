//! A player's own account.

use serde_json::json;
use sqlx::PgPool;

use super::support::Api;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_display_name_is_what_people_can_see(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let rename = async |name: &str| {
        api.as_user(
            user,
            "PATCH",
            "/account/profile",
            Some(json!({ "display_name": name })),
        )
        .await
    };
    let account = rename("Zoe\u{308} \u{1f680}").await.expect(200);
    assert_eq!(account["display_name"], "Zo\u{eb} \u{1f680}", "in NFC");
    let flood = format!("a{}", "\u{301}".repeat(50));
    let long = "x".repeat(31);
    for name in [
        "",
        " a",
        "a ",
        "a\0b",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{feff}",
        "a\nb",
        &flood,
        &long,
    ] {
        let answer = rename(name).await;
        answer.refused(400, "invalid_request");
        assert_eq!(
            answer.body["error"]["details"][0]["field"], "display_name",
            "{name:?}"
        );
    }
    let account = api.as_user(user, "GET", "/account", None).await.expect(200);
    assert_eq!(
        account["display_name"], "Zo\u{eb} \u{1f680}",
        "no trace of what was refused"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn settings_change_one_by_one(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let change = async |body| {
        api.as_user(user, "PATCH", "/account/settings", Some(body))
            .await
    };
    let account = change(json!({ "time_zone": "europe/berlin" }))
        .await
        .expect(200);
    assert_eq!(
        account["time_zone"], "Europe/Berlin",
        "in the database's own spelling"
    );
    assert_eq!(account["preferred_language"], "en");
    let account = change(json!({ "preferred_language": "de-CH" }))
        .await
        .expect(200);
    assert_eq!(account["preferred_language"], "de");
    assert_eq!(account["time_zone"], "Europe/Berlin");
    change(json!({ "notifications": { "turns_mail": true } }))
        .await
        .expect(200);
    let quiet = json!({ "quiet_hours": { "from": "22:00", "to": "07:00" }, "lobby_mail": false });
    let account = change(json!({ "notifications": quiet })).await.expect(200);
    assert_eq!(account["notifications"]["turns_mail"], true);
    assert_eq!(account["notifications"]["lobby_mail"], false);
    assert_eq!(account["notifications"]["quiet_hours"]["from"], "22:00");
    let back = json!({ "lobby_mail": null, "quiet_hours": null });
    let account = change(json!({ "notifications": back })).await.expect(200);
    assert_eq!(account["notifications"]["lobby_mail"], true);
    assert!(account["notifications"]["quiet_hours"].is_null());
    for (body, field) in [
        (json!({ "time_zone": "Mars/Olympus" }), "time_zone"),
        (json!({ "time_zone": "+02:00" }), "time_zone"),
        (
            json!({ "preferred_language": "en_US" }),
            "preferred_language",
        ),
        (
            json!({ "notifications": { "colour": true } }),
            "notifications",
        ),
        (
            json!({ "notifications": { "turns_mail": "yes" } }),
            "notifications",
        ),
        (json!({ "notifications": [] }), "notifications"),
        (json!({ "theme": "dark" }), "theme"),
    ] {
        let answer = change(body).await;
        answer.refused(400, "invalid_request");
        assert_eq!(answer.body["error"]["details"][0]["field"], field);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn unknown_deleted_and_blocked_callers_are_refused(pool: PgPool) {
    let api = Api::new(pool).await;
    let unknown = galaxy_core::UserId::generate();
    api.as_user(unknown, "GET", "/account", None)
        .await
        .refused(401, "unknown_user");
    let deleted = api.world.account().await;
    api.as_user(deleted, "POST", "/account/delete", None)
        .await
        .expect(204);
    api.as_user(deleted, "GET", "/account", None)
        .await
        .refused(401, "unknown_user");
    let blocked = api.world.account().await;
    let sanction =
        json!({ "sanction_code": "permanent_block", "action": "apply", "reason": "spam" });
    let path = format!("/users/{blocked}/sanctions");
    api.as_root("POST", &path, Some(sanction)).await.expect(200);
    api.as_user(blocked, "GET", "/account", None)
        .await
        .refused(403, "account_blocked");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn servers_see_blocked_and_deleted_accounts_too(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let path = format!("/api/v1/internal/users/{user}/account-internal");
    let get = async || {
        api.send(super::support::Call::new("GET", &path))
            .await
            .expect(200)
    };
    assert_eq!(get().await["permanent_block"], false);
    api.as_user(user, "POST", "/account/delete", None)
        .await
        .expect(204);
    let account = get().await;
    assert!(account["deleted_at"].is_string());
    assert_eq!(account["email"], format!("deleted-{user}"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_link_in_a_mail_turns_such_mails_off_and_nothing_else(pool: PgPool) {
    use galaxy_notifications::{kind::Group, unsubscribe};
    let variables = [("BACKEND_UNSUBSCRIBE_KEY", "a key for links")];
    let api = Api::with(pool, &variables, None).await;
    let user = api.world.account().await;
    let token = unsubscribe::token(&"a key for links".to_owned().into(), user, Group::Lobby);
    let path = format!("{}?token={token}", unsubscribe::PATH);
    let call = super::support::Call::new("POST", &path)
        .header("content-type", "application/x-www-form-urlencoded");
    api.send(call).await.expect(204);
    let account = api.as_user(user, "GET", "/account", None).await.expect(200);
    assert_eq!(account["notifications"]["lobby_mail"], false);
    assert_eq!(account["notifications"]["account_mail"], true);
    let forged = format!("{}?token={token}A", unsubscribe::PATH);
    api.send(super::support::Call::new("POST", &forged))
        .await
        .refused(400, "invalid_token");
}

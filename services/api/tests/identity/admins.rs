//! Operators: who they are and how they prove it.

use bytes::Bytes;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, Call, ROOT};

const USERS: &str = "/api/v1/admin/users";

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn only_an_enabled_account_with_its_password_gets_in(pool: PgPool) {
    let api = Api::new(pool).await;
    api.send(Call::new("GET", USERS).basic(ROOT))
        .await
        .expect(200);
    let refused = [
        Call::new("GET", USERS),
        Call::new("GET", USERS).header("authorization", "Basic"),
        Call::new("GET", USERS).header("authorization", "Basic !!!"),
        Call::new("GET", USERS).header("authorization", "Bearer cm9vdDp4"),
        Call::new("GET", USERS).basic(("root", "")),
        Call::new("GET", USERS).basic(("root", "the wrong password")),
        Call::new("GET", USERS).basic(("nobody", ROOT.1)),
        Call::new("GET", USERS).basic(("Root", ROOT.1)),
    ];
    for call in refused {
        let answer = api.send(call).await;
        answer.refused(401, "unauthorized");
        assert!(
            answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Basic")
        );
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_first_account_is_made_once_and_its_password_is_never_reset(pool: PgPool) {
    let api = Api::new(pool).await;
    let body = json!({ "password": "another password" });
    api.as_root("POST", "/admin-accounts/root/reset-password", Some(body))
        .await
        .expect(204);
    api.bootstrap().await;
    api.as_root("GET", "/users", None)
        .await
        .refused(401, "unauthorized");
    let call = Call::new("GET", USERS).basic(("root", "another password"));
    api.send(call).await.expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn accounts_are_made_disabled_and_enabled_again(pool: PgPool) {
    let api = Api::new(pool).await;
    let ops = ("ops-2", "correct horse battery");
    let body = json!({ "username": ops.0, "password": ops.1 });
    let made = api
        .as_root("POST", "/admin-accounts", Some(body.clone()))
        .await
        .expect(201);
    assert_eq!(made["enabled"], true);
    assert!(made.get("password").is_none() && made.get("password_hash").is_none());
    api.as_root("POST", "/admin-accounts", Some(body))
        .await
        .refused(409, "username_taken");
    api.send(Call::new("GET", USERS).basic(ops))
        .await
        .expect(200);
    let disabled = api
        .as_root("POST", "/admin-accounts/ops-2/disable", None)
        .await
        .expect(200);
    assert_eq!(disabled["enabled"], false);
    api.send(Call::new("GET", USERS).basic(ops))
        .await
        .refused(401, "unauthorized");
    api.as_root("POST", "/admin-accounts/ops-2/enable", None)
        .await
        .expect(200);
    api.send(Call::new("GET", USERS).basic(ops))
        .await
        .expect(200);
    let list = api
        .as_root("GET", "/admin-accounts?limit=1", None)
        .await
        .expect(200);
    assert_eq!(list["items"][0]["username"], "ops-2");
    let next = format!(
        "/admin-accounts?cursor={}",
        list["next_cursor"].as_str().unwrap()
    );
    let list = api.as_root("GET", &next, None).await.expect(200);
    assert_eq!(list["items"][0]["username"], "root");
    assert!(list["items"][0]["last_used_at"].is_string());
    for action in ["disable", "enable"] {
        let path = format!("/admin-accounts/nobody/{action}");
        api.as_root("POST", &path, None)
            .await
            .refused(404, "not_found");
    }
    api.as_root("GET", "/admin-accounts/nobody", None)
        .await
        .refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn odd_names_and_passwords_make_no_account(pool: PgPool) {
    let api = Api::new(pool).await;
    for (username, password) in [
        ("Root", "correct horse battery"),
        ("a:b", "correct horse battery"),
        ("", "correct horse battery"),
        ("ops", "short"),
        ("ops", "correct\u{0}horse battery"),
    ] {
        let body = json!({ "username": username, "password": password });
        let answer = api.as_root("POST", "/admin-accounts", Some(body)).await;
        answer.refused(400, "invalid_request");
        assert!(
            !answer.body.to_string().contains(password),
            "a password is not repeated"
        );
    }
    assert_eq!(
        api.world
            .count("select count(*) from backend.admin_accounts")
            .await,
        1
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_last_enabled_account_cannot_be_disabled_however_many_try_at_once(pool: PgPool) {
    let api = Api::new(pool).await;
    for n in 0..4 {
        let body = json!({ "username": format!("ops-{n}"), "password": "correct horse battery" });
        api.as_root("POST", "/admin-accounts", Some(body))
            .await
            .expect(201);
    }
    let names = ["root", "ops-0", "ops-1", "ops-2", "ops-3"];
    let paths = names.map(|name| format!("/admin-accounts/{name}/disable"));
    let answers = join_all(paths.iter().map(|path| api.as_root("POST", path, None))).await;
    let enabled = "select count(*) from backend.admin_accounts where disabled_at is null";
    assert!(api.world.count(enabled).await >= 1);
    assert!(answers.iter().any(|answer| answer.status != 200));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn disabling_the_last_enabled_account_is_refused_with_a_reason(pool: PgPool) {
    let api = Api::new(pool).await;
    let answer = api
        .as_root("POST", "/admin-accounts/root/disable", None)
        .await;
    answer.refused(409, "last_enabled_admin");
    api.as_root("GET", "/users", None).await.expect(200);
    assert_eq!(
        api.world
            .count("select count(*) from backend.admin_audit_log")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn guesses_are_throttled_and_a_verified_operator_is_not(pool: PgPool) {
    let api = Api::new(pool).await;
    api.as_root("GET", "/users", None).await.expect(200);
    let passwords: Vec<_> = (0..60).map(|n| format!("guess number {n:03}")).collect();
    let guesses = passwords.iter().enumerate().map(|(n, password)| {
        let from = [198, 51, 100, u8::try_from(n).unwrap()];
        api.send(Call::new("GET", USERS).basic(("root", password)).from(from))
    });
    let answers = join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 10, "the others are not even looked at");
    let held = answers.iter().find(|answer| answer.status == 429).unwrap();
    held.refused(429, "too_many_requests");
    assert!(held.headers.contains_key("retry-after"));
    api.as_root("GET", "/users", None).await.expect(200);
    api.advance(SignedDuration::from_mins(1));
    let call = Call::new("GET", USERS).basic(("root", "one more guess"));
    api.send(call).await.refused(401, "unauthorized");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn one_address_cannot_guess_at_many_names(pool: PgPool) {
    let api = Api::new(pool).await;
    let names: Vec<_> = (0..30).map(|n| format!("name-{n}")).collect();
    let guesses = names.iter().map(|name| {
        api.send(
            Call::new("GET", USERS)
                .basic((name, "the same password"))
                .from([203, 0, 113, 9]),
        )
    });
    let answers = join_all(guesses).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 401).count(),
        10
    );
    api.as_root("GET", "/users", None).await.expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operators_first_requests_may_all_come_at_once(pool: PgPool) {
    let api = Api::new(pool).await;
    let answers = join_all((0..40).map(|_| api.as_root("GET", "/users", None))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn guesses_from_another_address_do_not_throttle_an_operator_at_a_known_one(pool: PgPool) {
    let api = Api::new(pool).await;
    api.as_root("GET", "/users", None).await.expect(200);
    api.domains.invalidation.send("admins", Bytes::new()).await;
    let guesses = (0..40_u8).map(|n| {
        let call = Call::new("GET", USERS).basic(("root", "some guess or other"));
        api.send(call.from([198, 51, 100, n]))
    });
    join_all(guesses).await;
    let passwords: Vec<_> = (0..40).map(|n| format!("guess number {n:03}")).collect();
    let guesses = passwords.iter().enumerate().map(|(n, password)| {
        let from = [203, 0, 113, u8::try_from(n).unwrap()];
        api.send(Call::new("GET", USERS).basic(("root", password)).from(from))
    });
    let answers = join_all(guesses).await;
    assert!(
        answers.iter().any(|answer| answer.status == 429),
        "the account's budget is used up"
    );
    api.as_root("GET", "/users", None).await.expect(200);
}

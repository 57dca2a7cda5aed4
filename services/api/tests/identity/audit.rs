//! The record of what operators change.

use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, Call, ROOT};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn every_change_by_an_operator_is_in_the_log(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let path = format!("/api/v1/admin/users/{user}/sanctions");
    let body =
        json!({ "sanction_code": "login_block", "action": "apply", "reason": "secret gossip" });
    let call = Call::new("POST", &path)
        .basic(ROOT)
        .json(&body)
        .header("x-request-id", "req-42");
    api.send(call).await.expect(200);
    let body = json!({ "username": "ops-2", "password": "correct horse battery" });
    api.as_root("POST", "/admin-accounts", Some(body))
        .await
        .expect(201);
    api.as_root("POST", "/admin-accounts/ops-2/disable", None)
        .await
        .expect(200);
    api.as_root("POST", "/admin-accounts/ops-2/enable", None)
        .await
        .expect(200);
    let body = json!({ "password": "correct horse battery 2" });
    api.as_root("POST", "/admin-accounts/ops-2/reset-password", Some(body))
        .await
        .expect(204);
    api.as_root("POST", &format!("/users/{user}/soft-delete"), None)
        .await
        .expect(204);
    let log = api.as_root("GET", "/audit-log", None).await.expect(200);
    let actions: Vec<_> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "users.soft_delete",
            "admin_accounts.reset_password",
            "admin_accounts.enable",
            "admin_accounts.disable",
            "admin_accounts.create",
            "users.sanction_apply",
        ]
    );
    let oldest = &log["items"][5];
    assert_eq!(oldest["username"], "root");
    assert_eq!(oldest["request_id"], "req-42");
    assert_eq!(oldest["target_id"], user.to_string());
    assert!(!log.to_string().contains("correct horse") && !log.to_string().contains("gossip"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_log_is_paged_and_narrowed(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    for value in 0..5 {
        let body = json!({ "limit_code": "max_owned_games", "action": "set", "value": value, "reason": "x" });
        api.as_root("POST", &format!("/users/{user}/limits"), Some(body))
            .await
            .expect(200);
    }
    let mut cursor = String::new();
    let mut values = vec![];
    loop {
        let path = format!("/audit-log?limit=2&target_kind=user&target_id={user}{cursor}");
        let page = api.as_root("GET", &path, None).await.expect(200);
        let items = page["items"].as_array().unwrap();
        values.extend(
            items
                .iter()
                .map(|item| item["details"]["value"].as_i64().unwrap()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(values, [4, 3, 2, 1, 0]);
    let none = api
        .as_root("GET", "/audit-log?username=nobody", None)
        .await
        .expect(200);
    assert_eq!(none["items"], json!([]));
}

//! What operators do with engines and their versions.

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{create, patch_version, schema, with_chess, wrong};
use crate::support::{Lobby, text};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn engines_are_made_known_and_one_of_them_is_the_default_one(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    with_chess(&lobby).await;
    for (body, field) in [
        (
            json!({ "engine_name": "Go!", "title": "Go" }),
            "engine_name",
        ),
        (json!({ "engine_name": "go", "title": " " }), "title"),
    ] {
        let answer = lobby.admin("POST", "/engines", Some(body)).await;
        assert_eq!(wrong(answer).0, field);
    }
    let again = json!({ "engine_name": "chess", "title": "Chess" });
    let again = lobby.admin("POST", "/engines", Some(again)).await;
    again.refused(409, "engine_exists");
    let defaults = async || {
        let list = lobby.admin("GET", "/engines", None).await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        let default = items.iter().filter(|engine| engine["is_default"] == true);
        default
            .map(|engine| text(engine, "engine_name"))
            .collect::<Vec<_>>()
    };
    assert_eq!(defaults().await, ["galaxy"]);
    let patch = async |name: &str, body| {
        lobby
            .admin("PATCH", &format!("/engines/{name}"), Some(body))
            .await
    };
    let changed = patch("chess", json!({ "title": "Chess", "is_default": true })).await;
    assert_eq!(changed.expect(200)["title"], "Chess");
    assert_eq!(defaults().await, ["chess"]);
    let refused = patch("chess", json!({ "is_default": false })).await;
    assert_eq!(wrong(refused).0, "is_default");
    patch("go", json!({ "title": "Go" }))
        .await
        .refused(404, "not_found");

    // An id without an engine is of the default one.
    let disabled = lobby
        .admin("POST", "/engine-versions/1.0.0/disable", None)
        .await;
    assert_eq!(disabled.expect(200)["id"], "chess@1.0.0");
    let audited: Vec<(String, String)> = sqlx::query_as(
        "select action, target_id from backend.admin_audit_log order by created_at, audit_id",
    )
    .fetch_all(lobby.world.db.pool())
    .await
    .unwrap();
    let audited: Vec<_> = audited
        .iter()
        .map(|(action, id)| (action.as_str(), id.as_str()))
        .collect();
    assert_eq!(
        audited,
        [
            ("engines.create", "chess"),
            ("engine_versions.create", "chess@1.0.0"),
            ("engines.update", "chess"),
            ("engine_versions.disable", "chess@1.0.0")
        ]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn of_two_that_become_the_default_engine_at_once_one_is(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let names = ["a", "b", "c", "d"];
    for name in names {
        let body = json!({ "engine_name": name, "title": name });
        lobby
            .admin("POST", "/engines", Some(body))
            .await
            .expect(201);
    }
    let racers = names.map(|name| {
        let body = json!({ "is_default": true });
        let lobby = &lobby;
        async move {
            lobby
                .admin("PATCH", &format!("/engines/{name}"), Some(body))
                .await
        }
    });
    for answer in lobby.race(racers).await {
        answer.expect(200);
    }
    let sql = "select count(*) from backend.engines where is_default";
    assert_eq!(lobby.world.count(sql).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_schema_is_checked_when_it_is_registered_and_can_be_taken_away(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    for schema in [
        json!({ "type": "object", "properties": { "a": { "$ref": "https://example.org/a" } } }),
        json!({ "type": "object", "properties": 7 }),
        json!({ "type": "object", "title": "x".repeat(20_000) }),
        json!([]),
    ] {
        let refused = patch_version(&lobby, "1.0.0", json!({ "options_schema": schema })).await;
        assert_eq!(wrong(refused).0, "options_schema");
    }
    let with = patch_version(&lobby, "1.0.0", json!({ "options_schema": schema() })).await;
    assert_eq!(with.expect(200)["options_schema"], schema());
    let kept = patch_version(&lobby, "1.0.0", json!({ "enabled": true })).await;
    assert_eq!(kept.expect(200)["options_schema"], schema());
    let without = patch_version(&lobby, "1.0.0", json!({ "options_schema": null })).await;
    assert!(without.expect(200)["options_schema"].is_null());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_image_is_looked_for_after_the_registration_and_again_when_it_is_asked_for(
    pool: PgPool,
) {
    let lobby = Lobby::new(pool).await;
    let body = json!({ "version": "1.2.0", "image_ref": "example.org/engine:1.2.0" });
    let made = lobby
        .admin("POST", "/engine-versions", Some(body))
        .await
        .expect(201);
    let check = &made["check"];
    assert_eq!(check["state"], "pending");
    for empty in ["error", "checked_at", "digest"] {
        assert!(check[empty].is_null(), "{empty}");
    }
    sqlx::query(
        "update backend.engine_versions set check_status = 'failed', check_error = 'manifest unknown', checked_at = now()
         where version = '1.2.0'",
    )
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
    let list = lobby
        .admin("GET", "/engine-versions", None)
        .await
        .expect(200);
    let failed = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|version| version["version"] == "1.2.0")
        .unwrap();
    assert_eq!(
        (&failed["check"]["state"], &failed["check"]["error"]),
        (&json!("failed"), &json!("manifest unknown"))
    );
    // It can be played all the same: a start says why it fails.
    let owner = lobby.player().await;
    create(&lobby, owner, json!({ "target_engine_version": "1.2.0" }))
        .await
        .expect(201);
    let again = lobby
        .admin("POST", "/engine-versions/galaxy@1.2.0/check", None)
        .await
        .expect(202);
    assert_eq!(
        (&again["check"]["state"], &again["check"]["error"]),
        (&json!("pending"), &Value::Null)
    );
    let missing = lobby
        .admin("POST", "/engine-versions/9.9.9/check", None)
        .await;
    missing.refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_image_that_is_named_anew_loses_its_digest_and_is_looked_for_again(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    sqlx::query(
        "update backend.engine_versions set image_digest = 'sha256:ab', check_status = 'ok'",
    )
    .execute(lobby.world.db.pool())
    .await
    .unwrap();
    let other = patch_version(&lobby, "1.0.0", json!({ "is_candidate": false }))
        .await
        .expect(200);
    assert_eq!(
        (&other["image_digest"], &other["check"]["digest"]),
        (&json!("sha256:ab"), &json!("sha256:ab"))
    );
    let same = json!({ "image_ref": "example.org/engine:1.0.0" });
    let same = patch_version(&lobby, "1.0.0", same).await.expect(200);
    assert_eq!(
        (&same["image_digest"], &same["check"]["state"]),
        (&Value::Null, &json!("pending"))
    );
}

//! What sanctions, limits and entitlements do, place by place.

use galaxy_core::Tier;
use galaxy_core::UserId;
use galaxy_events::catalogue::account::{
    AccountBlocked, AccountUnblocked, EntitlementChanged, SanctionApplied, SanctionRemoved,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::support::Api;

async fn sanction(api: &Api, user: UserId, code: &str, action: &str) -> Value {
    let body = json!({ "sanction_code": code, "action": action, "reason": "a test" });
    api.as_root("POST", &format!("/users/{user}/sanctions"), Some(body))
        .await
        .expect(200)
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_login_block_ends_all_sessions_and_bars_new_ones_until_it_is_removed(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    sanction(&api, user, "login_block", "apply").await;
    assert_eq!(api.session(&session).await.expect(200)["status"], "revoked");
    api.advance(SignedDuration::from_mins(2));
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    api.try_code(&challenge, &code)
        .await
        .refused(403, "login_blocked");
    api.try_code(&challenge, &code)
        .await
        .refused(400, "invalid_code");
    api.as_user(user, "GET", "/account", None).await.expect(200);
    sanction(&api, user, "login_block", "remove").await;
    api.advance(SignedDuration::from_mins(2));
    api.sign_in("ada@example.org").await;
    assert_eq!(api.world.events::<SanctionApplied>().await.len(), 1);
    assert_eq!(api.world.events::<SanctionRemoved>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn each_sanction_forbids_its_own_thing_and_nothing_else(pool: PgPool) {
    let api = Api::new(pool).await;
    sqlx::query("insert into backend.engine_versions (version, image_ref) values ('1.0.0', 'example.org/engine:1.0.0')")
        .execute(api.world.db.pool())
        .await
        .unwrap();
    let rename = json!({ "display_name": "Ada" });
    let game = json!({
        "game_name": "A game", "visibility": "public", "min_players": 2, "max_players": 4, "turn_schedule": "0 * * * *",
        "enrollment_ends_at": api.world.clock.now() + SignedDuration::from_hours(24),
    });
    let apply = json!({ "race_name": "Zorgons" });
    for (code, refused) in [
        ("profile_update_block", "profile_update_blocked"),
        ("game_create_block", "game_create_blocked"),
        ("game_manage_block", "game_manage_blocked"),
        ("game_join_block", "game_join_blocked"),
    ] {
        let user = api.world.account().await;
        let own = api.world.game(user, "draft").await;
        let other = api.world.account().await;
        let open = api.world.game(other, "enrollment_open").await;
        sanction(&api, user, code, "apply").await;
        let calls = [
            (
                "profile_update_blocked",
                "PATCH",
                "/account/profile".to_owned(),
                Some(&rename),
            ),
            (
                "game_create_blocked",
                "POST",
                "/lobby/games".to_owned(),
                Some(&game),
            ),
            (
                "game_manage_blocked",
                "POST",
                format!("/lobby/games/{own}/open-enrollment"),
                None,
            ),
            (
                "game_join_blocked",
                "POST",
                format!("/lobby/games/{open}/applications"),
                Some(&apply),
            ),
        ];
        for (forbidden, method, path, body) in calls {
            let answer = api.as_user(user, method, &path, body.cloned()).await;
            if forbidden == refused {
                answer.refused(403, refused);
            } else {
                let error = answer.body["error"]["code"].as_str().unwrap_or_default();
                assert_ne!(answer.status.as_u16(), 403, "{path} under {code}: {error}");
            }
        }
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_permanent_block_takes_everything_and_its_removal_lets_the_person_back(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    let game = api.world.game(user, "enrollment_open").await;
    let account = sanction(&api, user, "permanent_block", "apply").await;
    assert_eq!(account["permanent_block"], true);
    assert_eq!(api.session(&session).await.expect(200)["status"], "revoked");
    let status: String = sqlx::query_scalar("select status from backend.games where game_id = $1")
        .bind(game.uuid())
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert_eq!(status, "cancelled");
    api.advance(SignedDuration::from_mins(2));
    let body = json!({ "email": "ada@example.org" });
    api.post(super::support::SEND, &body)
        .await
        .refused(400, "email_blocked");
    assert_eq!(api.world.events::<AccountBlocked>().await.len(), 1);
    sanction(&api, user, "permanent_block", "remove").await;
    assert_eq!(api.world.events::<AccountUnblocked>().await.len(), 1);
    let (_, same) = api.sign_in("ada@example.org").await;
    assert_eq!(same, user);
    api.as_user(user, "GET", "/account", None).await.expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn sanctions_limits_and_tiers_do_not_apply_after_their_end(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let end = api.world.clock.now() + SignedDuration::from_hours(1);
    let sanction = json!({
        "sanction_code": "profile_update_block", "action": "apply", "reason": "x", "expires_at": end
    });
    api.as_root("POST", &format!("/users/{user}/sanctions"), Some(sanction))
        .await
        .expect(200);
    let limit = json!({
        "limit_code": "max_owned_games", "action": "set", "value": 9, "reason": "x", "expires_at": end
    });
    api.as_root("POST", &format!("/users/{user}/limits"), Some(limit))
        .await
        .expect(200);
    let tier = json!({ "tier": "monthly", "source": "purchase", "reason": "x", "ends_at": end });
    let account = api
        .as_root("POST", &format!("/users/{user}/entitlements"), Some(tier))
        .await;
    let account = account.expect(200);
    assert_eq!(account["entitlement"]["tier"], "monthly");
    assert_eq!(account["effective_limits"]["max_owned_games"], 9);
    assert_eq!(account["effective_limits"]["max_active_memberships"], 20);
    let rename = json!({ "display_name": "Ada" });
    let answer = api
        .as_user(user, "PATCH", "/account/profile", Some(rename.clone()))
        .await;
    answer.refused(403, "profile_update_blocked");

    api.advance(SignedDuration::from_hours(1));
    api.as_user(user, "PATCH", "/account/profile", Some(rename))
        .await
        .expect(200);
    let account = api.as_user(user, "GET", "/account", None).await.expect(200);
    assert_eq!(account["entitlement"]["tier"], "free");
    assert_eq!(account["sanctions"], json!([]));
    assert_eq!(account["limits"], json!([]));
    assert_eq!(account["effective_limits"]["max_owned_games"], 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_history_has_actor_action_and_reason(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    sanction(&api, user, "game_join_block", "apply").await;
    sanction(&api, user, "game_join_block", "remove").await;
    let set =
        json!({ "limit_code": "max_owned_games", "action": "set", "value": 0, "reason": "x" });
    api.as_root("POST", &format!("/users/{user}/limits"), Some(set))
        .await
        .expect(200);
    let remove = json!({ "limit_code": "max_owned_games", "action": "remove", "reason": "y" });
    api.as_root(
        "POST",
        &format!("/users/{user}/limits"),
        Some(remove.clone()),
    )
    .await
    .expect(200);
    let again = api
        .as_root("POST", &format!("/users/{user}/limits"), Some(remove))
        .await;
    again.refused(409, "limit_not_set");
    let tier = json!({ "tier": "permanent", "source": "gift", "reason": "x" });
    api.as_root("POST", &format!("/users/{user}/entitlements"), Some(tier))
        .await
        .expect(200);
    let details = api
        .as_root("GET", &format!("/users/{user}"), None)
        .await
        .expect(200);
    let actions = |kind: &str| -> Vec<String> {
        let items = details[kind].as_array().unwrap();
        items
            .iter()
            .map(|item| item["action"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(actions("sanction_history"), ["remove", "apply"]);
    assert_eq!(actions("limit_history"), ["remove", "set"]);
    assert_eq!(details["entitlement_history"][0]["tier"], "permanent");
    assert_eq!(details["entitlement_history"][0]["actor"], "root");
    assert_eq!(
        api.world.events::<EntitlementChanged>().await[0].tier,
        Tier::Permanent
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn odd_changes_are_refused_and_leave_no_trace(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let past = api.world.clock.now() - SignedDuration::from_secs(1);
    let future = api.world.clock.now() + SignedDuration::from_hours(1);
    let cases = [
        (
            "sanctions",
            json!({ "sanction_code": "permanent_block", "action": "apply", "reason": "x", "expires_at": future }),
            "expires_at",
        ),
        (
            "sanctions",
            json!({ "sanction_code": "login_block", "action": "apply", "reason": "x", "expires_at": past }),
            "expires_at",
        ),
        (
            "sanctions",
            json!({ "sanction_code": "login_block", "action": "apply", "reason": "" }),
            "reason",
        ),
        (
            "sanctions",
            json!({ "sanction_code": "hug", "action": "apply", "reason": "x" }),
            "sanction_code",
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "set", "value": -1, "reason": "x" }),
            "value",
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "set", "value": 4_000_000_000_u32, "reason": "x" }),
            "value",
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "set", "value": 1_000_001, "reason": "x" }),
            "value",
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "set", "reason": "x" }),
            "value",
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "remove", "value": 1, "reason": "x" }),
            "value",
        ),
        (
            "entitlements",
            json!({ "tier": "monthly", "source": "x", "reason": "x" }),
            "ends_at",
        ),
        (
            "entitlements",
            json!({ "tier": "free", "source": "x", "reason": "x", "ends_at": future }),
            "ends_at",
        ),
        (
            "entitlements",
            json!({ "tier": "gold", "source": "x", "reason": "x" }),
            "tier",
        ),
    ];
    for (what, body, field) in cases {
        let answer = api
            .as_root("POST", &format!("/users/{user}/{what}"), Some(body.clone()))
            .await;
        answer.refused(400, "invalid_request");
        assert_eq!(answer.body["error"]["details"][0]["field"], field, "{body}");
    }
    let body = json!({ "sanction_code": "login_block", "action": "remove", "reason": "x" });
    let answer = api
        .as_root("POST", &format!("/users/{user}/sanctions"), Some(body))
        .await;
    answer.refused(409, "sanction_not_active");
    assert_eq!(
        api.world
            .count("select count(*) from backend.admin_audit_log")
            .await,
        0
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.sanction_records")
            .await,
        0
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.event_outbox")
            .await,
        0
    );
}

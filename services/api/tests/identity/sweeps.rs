//! What is tidied up and what is kept.

use galaxy_api::sweeps;
use galaxy_core::Tier;
use galaxy_events::catalogue::account::{EntitlementChanged, SanctionRemoved};
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use super::support::Api;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn ended_tiers_sanctions_and_limits_are_swept_with_events(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let end = api.world.clock.now() + SignedDuration::from_hours(1);
    for (what, body) in [
        (
            "sanctions",
            json!({ "sanction_code": "login_block", "action": "apply", "reason": "x", "expires_at": end }),
        ),
        (
            "limits",
            json!({ "limit_code": "max_owned_games", "action": "set", "value": 9, "reason": "x", "expires_at": end }),
        ),
        (
            "entitlements",
            json!({ "tier": "yearly", "source": "x", "reason": "x", "ends_at": end }),
        ),
    ] {
        api.as_root("POST", &format!("/users/{user}/{what}"), Some(body))
            .await
            .expect(200);
    }
    sweeps::once(&api.world.db, api.world.clock.now()).await;
    assert_eq!(
        api.world
            .count("select count(*) from backend.sanction_active")
            .await,
        1,
        "not yet"
    );
    api.advance(SignedDuration::from_hours(1));
    sweeps::once(&api.world.db, api.world.clock.now()).await;
    sweeps::once(&api.world.db, api.world.clock.now()).await;
    for table in [
        "select count(*) from backend.sanction_active",
        "select count(*) from backend.limit_active",
        "select count(*) from backend.entitlement_snapshots where tier <> 'free'",
    ] {
        assert_eq!(api.world.count(table).await, 0, "{table}");
    }
    assert_eq!(api.world.events::<SanctionRemoved>().await.len(), 1);
    let tiers = api.world.events::<EntitlementChanged>().await;
    assert_eq!(tiers.last().unwrap().tier, Tier::Free);
    assert_eq!(tiers.len(), 2, "told once");
    let details = api
        .as_root("GET", &format!("/users/{user}"), None)
        .await
        .expect(200);
    assert_eq!(details["sanction_history"][0]["actor"], "system");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn challenges_are_deleted_after_a_day_and_revoked_sessions_after_ninety(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("ada@example.org").await;
    api.as_user(user, "POST", &format!("/sessions/{session}/revoke"), None)
        .await
        .expect(204);
    let challenges = "select count(*) from backend.auth_challenges";
    let sessions = "select count(*) from backend.device_sessions";
    let sweep = async || {
        sweeps::once(&api.world.db, api.world.clock.now()).await;
        sweeps::slow(&api.world.db, api.world.clock.now(), 8).await;
        (
            api.world.count(challenges).await,
            api.world.count(sessions).await,
        )
    };
    api.advance(SignedDuration::from_hours(24));
    assert_eq!(sweep().await, (1, 1));
    api.advance(SignedDuration::from_mins(11));
    assert_eq!(sweep().await, (0, 1));
    assert_eq!(
        api.world
            .count("select (select count(*) from backend.throttle_counters) + (select count(*) from backend.sent_codes)")
            .await,
        0
    );
    api.advance(SignedDuration::from_hours(89 * 24));
    assert_eq!(sweep().await, (0, 0));
}

//! Two replicas over one database and one broker agree on who is signed in.

use std::time::Duration;

use futures_util::future::join;
use galaxy_events::{Nats, NatsConfig, relay};
use galaxy_service::Vars;
use galaxy_testkit::{World, eventually, nats_url};
use serde_json::json;
use sqlx::PgPool;
use tokio::time::Instant;

use super::support::{Api, Call, ROOT};

async fn with_broker(pool: PgPool) -> (Api, Nats) {
    let mut vars = Vars::from_lookup(|name| (name == "BACKEND_NATS_URL").then(nats_url));
    let config = NatsConfig::read_as_owner(&mut vars).unwrap();
    let process = World::new(pool.clone()).process;
    let nats = Nats::connect(&config, &process).await.unwrap();
    (Api::with(pool, &[], Some(nats.clone())).await, nats)
}

async fn replica(pool: PgPool) -> Api {
    let (api, nats) = with_broker(pool).await;
    api.start_loops(&nats);
    eventually("the channel is healthy", async || {
        api.domains.invalidation.is_healthy().then_some(())
    })
    .await;
    api
}

/// Asks without a pause until `api` says that the session is revoked.
async fn refuses_within(api: &Api, session: &str, limit: Duration) {
    let since = Instant::now();
    while api.session(session).await.expect(200)["status"] != "revoked" {
        assert!(since.elapsed() < limit, "the replica still serves it");
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_session_revoked_on_one_replica_is_refused_by_the_other_at_once(pool: PgPool) {
    let one = replica(pool.clone()).await;
    let other = replica(pool).await;
    let (session, _) = one
        .sign_in(&format!("{}@example.org", uuid::Uuid::now_v7()))
        .await;
    // Cached on both; the proof is that a change behind their backs is not seen.
    for api in [&one, &other] {
        assert_eq!(api.session(&session).await.expect(200)["status"], "active");
    }
    let path = format!("/api/v1/internal/sessions/{session}/revoke");
    one.post(&path, &json!({ "reason": "x" })).await.expect(204);
    assert_eq!(one.session(&session).await.expect(200)["status"], "revoked");
    refuses_within(&other, &session, Duration::from_secs(2)).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_replica_that_is_cut_off_from_the_broker_still_ends_a_session_on_the_others(
    pool: PgPool,
) {
    let cut_off = Api::new(pool.clone()).await;
    let (other, nats) = with_broker(pool).await;
    other.start_loops(&nats);
    eventually("the channel is healthy", async || {
        other.domains.invalidation.is_healthy().then_some(())
    })
    .await;
    let (session, _) = other
        .sign_in(&format!("{}@example.org", uuid::Uuid::now_v7()))
        .await;
    assert_eq!(
        other.session(&session).await.expect(200)["status"],
        "active"
    );
    let path = format!("/api/v1/internal/sessions/{session}/revoke");
    cut_off
        .post(&path, &json!({ "reason": "x" }))
        .await
        .expect(204);
    assert_eq!(
        other.session(&session).await.expect(200)["status"],
        "active",
        "it is cached, and the broadcast was not sent"
    );
    // Any process's relay finds the event in the outbox.
    relay::start(&other.world.process, &other.world.db, &nats);
    refuses_within(&other, &session, Duration::from_secs(5)).await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_lookup_concurrent_with_a_revocation_does_not_cache_the_session(pool: PgPool) {
    let api = replica(pool).await;
    for _ in 0..20 {
        let (session, _) = api
            .sign_in(&format!("{}@example.org", uuid::Uuid::now_v7()))
            .await;
        let path = format!("/api/v1/internal/sessions/{session}/revoke");
        let lookups = futures_util::future::join_all((0..20).map(|_| api.session(&session)));
        let body = json!({ "reason": "x" });
        let (_, revoked) = join(lookups, api.post(&path, &body)).await;
        revoked.expect(204);
        assert_eq!(api.session(&session).await.expect(200)["status"], "revoked");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_cache_serves_without_the_database_while_the_channel_is_healthy(pool: PgPool) {
    let (api, _) = with_broker(pool).await;
    let status = async |id: &str| api.session(id).await.expect(200)["status"].clone();
    let invalidation = api.domains.invalidation.clone();
    let run = invalidation.run(api.world.process.tasks.draining());
    let session = tokio::select! {
        () = run => panic!("the channel ended"),
        session = async {
            eventually("the channel is healthy", async || api.domains.invalidation.is_healthy().then_some(())).await;
            let (session, _) = api.sign_in(&format!("{}@example.org", uuid::Uuid::now_v7())).await;
            status(&session).await;
            sqlx::query("update backend.device_sessions set status = 'revoked', revoked_at = now()")
                .execute(api.world.db.pool())
                .await
                .unwrap();
            assert_eq!(status(&session).await, "active", "from the cache");
            session
        } => session,
    };
    // Nobody listens any more.
    eventually("the cache is bypassed", async || {
        (status(&session).await == "revoked").then_some(())
    })
    .await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_disabled_on_one_replica_is_refused_by_the_other(pool: PgPool) {
    let one = replica(pool.clone()).await;
    let other = replica(pool).await;
    let ops = ("ops-2", "correct horse battery");
    let body = json!({ "username": ops.0, "password": ops.1 });
    one.as_root("POST", "/admin-accounts", Some(body))
        .await
        .expect(201);
    let enter = async || {
        other
            .send(Call::new("GET", "/api/v1/admin/users").basic(ops))
            .await
    };
    enter().await.expect(200);
    one.as_root("POST", "/admin-accounts/ops-2/disable", None)
        .await
        .expect(200);
    eventually("the other replica refuses", async || {
        (enter().await.status == 401).then_some(())
    })
    .await;
    let root = other
        .send(Call::new("GET", "/api/v1/admin/users").basic(ROOT))
        .await;
    assert!([200, 429].contains(&root.status.as_u16()));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_whose_invalidation_was_lost_is_refused_within_seconds(pool: PgPool) {
    let api = replica(pool).await;
    let enter = async || {
        let call = Call::new("GET", "/api/v1/admin/users").basic(ROOT);
        api.send(call).await.status.as_u16()
    };
    assert_eq!(enter().await, 200);
    sqlx::query("update backend.admin_accounts set disabled_at = now()")
        .execute(api.world.db.pool())
        .await
        .unwrap();
    assert_eq!(enter().await, 200, "remembered");
    api.advance(jiff::SignedDuration::from_secs(10));
    assert_eq!(enter().await, 401);
}

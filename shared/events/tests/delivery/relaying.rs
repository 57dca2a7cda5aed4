use sqlx::PgPool;

use crate::world::{Applies, Wire, append};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_committed_event_is_applied_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let id = wire.append().await;
    wire.applied_are(&[id]).await;
    wire.all_published().await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_that_is_rolled_back_is_never_published(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut tx = wire.world.db.begin().await.unwrap();
    append(&mut tx).await;
    drop(tx);
    let committed = wire.append().await;
    wire.applied_are(&[committed]).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_event_whose_transaction_was_slow_is_not_passed_over(pool: PgPool) {
    let wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut slow = wire.world.db.begin().await.unwrap();
    let mut ids = vec![append(&mut slow).await];
    let later = wire.append_many(200).await;
    wire.applied_are(&later).await;
    slow.commit().await.unwrap();
    ids.extend(later);
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn racing_relays_publish_everything_and_consumers_apply_it_once(pool: PgPool) {
    let wire = Wire::new(pool).await;
    for _ in 0..8 {
        wire.relay().await;
    }
    for _ in 0..3 {
        wire.consume(Applies).await;
    }
    let mut ids = vec![];
    for _ in 0..20 {
        ids.extend(wire.append_many(50).await);
    }
    wire.applied_are(&ids).await;
    wire.all_published().await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_relay_that_died_after_its_claim_is_followed_by_another(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let id = wire.append().await;
    crate::world::execute(
        &wire.world.db,
        "update backend.event_outbox set lease_expires_at = now() + interval '2 seconds'",
    )
    .await;
    wire.relay().await;
    wire.consume(Applies).await;
    wire.applied_are(&[id]).await;
    wire.shut_down().await;
}

use sqlx::PgPool;

use crate::world::{Applies, Wire};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn events_written_while_the_broker_is_down_arrive_when_it_is_back(pool: PgPool) {
    let mut wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut ids = vec![wire.append().await];
    wire.applied_are(&ids).await;

    wire.broker.kill().await.unwrap();
    ids.extend(wire.append_many(20).await);
    wire.broker.start_again().await.unwrap();
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn events_of_a_wiped_broker_are_published_again_and_applied_once(pool: PgPool) {
    let mut wire = Wire::new(pool).await;
    wire.relay().await;
    let (process, _) = wire.consume(Applies).await;
    let mut ids = wire.append_many(20).await;
    wire.applied_are(&ids).await;

    // published, acknowledged and not yet consumed when everything is lost
    process
        .tasks
        .shut_down(std::time::Duration::from_secs(5))
        .await;
    ids.extend(wire.append_many(20).await);
    wire.all_published().await;
    wire.broker.kill().await.unwrap();
    wire.broker.lose_data().unwrap();
    wire.broker.start_again().await.unwrap();

    wire.consume(Applies).await;
    wire.applied_are(&ids).await;
    ids.push(wire.append().await);
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn consumers_survive_a_wipe_of_the_broker(pool: PgPool) {
    let mut wire = Wire::new(pool).await;
    wire.relay().await;
    wire.consume(Applies).await;
    let mut ids = wire.append_many(20).await;
    wire.applied_are(&ids).await;
    wire.broker.kill().await.unwrap();
    wire.broker.lose_data().unwrap();
    ids.extend(wire.append_many(20).await);
    wire.broker.start_again().await.unwrap();
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn events_of_a_stream_that_is_deleted_under_an_open_connection_are_published_again(
    pool: PgPool,
) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    let mut ids = wire.append_many(20).await;
    wire.all_published().await;
    nats.jetstream()
        .delete_stream("GALAXY_EVENTS")
        .await
        .unwrap();
    // a consumer creates the stream before the relay compares it
    wire.consume(Applies).await;
    ids.push(wire.append().await);
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_stream_that_is_deleted_while_idle_is_filled_again(pool: PgPool) {
    let wire = Wire::new(pool).await;
    let (_, nats) = wire.relay().await;
    let ids = wire.append_many(20).await;
    wire.all_published().await;
    nats.jetstream()
        .delete_stream("GALAXY_EVENTS")
        .await
        .unwrap();
    wire.consume(Applies).await;
    wire.applied_are(&ids).await;
    wire.shut_down().await;
}

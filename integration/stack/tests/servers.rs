//! Servers that the stack starts: fetched or found, used, killed, started again.

#![cfg(test)]

use std::path::PathBuf;

use galaxy_stack::{Servers, Ui};
use sqlx::{Connection, PgConnection};

/// Packages that earlier runs fetched are used again.
fn cache() -> PathBuf {
    galaxy_stack::Layout::of_checkout().unwrap().cache()
}

#[tokio::test]
async fn test_servers_start_make_databases_survive_a_kill_and_stop() {
    let mut servers = Servers::for_tests(Ui::new(), &cache()).await.unwrap();
    let database = servers.postgres.create_database("one").await.unwrap();
    assert!(database.url.ends_with("/one"), "{}", database.url);
    assert!(
        servers.postgres.create_database("one").await.is_err(),
        "it is there already"
    );

    servers.postgres.kill().await.unwrap();
    assert!(
        servers.postgres.create_database("two").await.is_err(),
        "nobody answers"
    );
    servers.postgres.start_again().await.unwrap();
    servers.postgres.create_database("two").await.unwrap();

    servers.nats.kill().await.unwrap();
    servers.nats.start_again().await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn connections_are_closed_and_new_ones_are_accepted() {
    let servers = Servers::for_tests(Ui::quiet(), &cache()).await.unwrap();
    let database = servers.postgres.create_database("cut").await.unwrap();
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    assert_eq!(servers.postgres.cut_connections("cut").await.unwrap(), 1);
    assert!(connection.ping().await.is_err());
    PgConnection::connect(&database.url).await.unwrap();
    servers.postgres.drop_database("cut").await.unwrap();
    servers.stop().await.unwrap();
}

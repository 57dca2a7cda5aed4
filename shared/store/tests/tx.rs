//! The transaction helper notifies after the commit and only then; errors say whether trying again may help.

use std::time::Duration;

use galaxy_core::DependencyError;
use galaxy_store::{Db, DedicatedConnection, Topic};
use sqlx::PgPool;

async fn is_notified(db: &Db, topic: Topic) -> bool {
    let notify = db.subscribe(topic);
    tokio::time::timeout(Duration::from_millis(50), notify.notified())
        .await
        .is_ok()
}

#[sqlx::test(migrations = false)]
async fn only_a_committed_transaction_notifies_and_only_the_topics_it_made_work_for(
    pool: PgPool,
) -> sqlx::Result<()> {
    let db = Db::new(pool);
    let mut tx = db.begin().await.unwrap();
    tx.notify(Topic::Mail);
    drop(tx);
    assert!(!is_notified(&db, Topic::Mail).await, "rolled back");

    let mut tx = db.begin().await.unwrap();
    tx.notify(Topic::Mail);
    tx.notify(Topic::Mail);
    tx.commit().await.unwrap();
    assert!(is_notified(&db, Topic::Mail).await);
    assert!(!is_notified(&db, Topic::Runtime).await);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_query_that_may_succeed_later_is_told_apart_from_one_that_never_will(
    pool: PgPool,
) -> sqlx::Result<()> {
    let db = Db::new(pool.clone());
    let mut connection = db.acquire().await.unwrap();
    let broken = sqlx::query("select nonsense")
        .execute(&mut *connection)
        .await
        .unwrap_err();
    let error = galaxy_store::Error::from(broken);
    assert!(!error.is_unavailable());
    assert!(!galaxy_store::Error::Unexpected("no row").is_unavailable());

    sqlx::query("create table once (id int constraint once_pk primary key)")
        .execute(&mut *connection)
        .await?;
    sqlx::query("insert into once values (1)")
        .execute(&mut *connection)
        .await?;
    let twice = sqlx::query("insert into once values (1)")
        .execute(&mut *connection)
        .await
        .unwrap_err();
    assert!(galaxy_store::Error::from(twice).is_unique_violation("once_pk"));

    drop(connection);
    pool.close().await;
    let error = db.begin().await.err().unwrap();
    assert!(error.is_unavailable());
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_relaxed_transaction_does_not_wait_for_the_disk_and_commits_all_the_same(
    pool: PgPool,
) -> sqlx::Result<()> {
    let db = Db::new(pool);
    let setting = "select current_setting('synchronous_commit') = 'off'";
    let mut dedicated = DedicatedConnection::new(&db);
    let mut tx = dedicated.begin_relaxed().await.unwrap();
    let relaxed: bool = sqlx::query_scalar(setting).fetch_one(&mut *tx).await?;
    assert!(relaxed);
    sqlx::query("create table kept (id int)")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let exists: bool = sqlx::query_scalar("select to_regclass('kept') is not null")
        .fetch_one(db.pool())
        .await?;
    assert!(exists);
    Ok(())
}

//! The REST document and the routes are one contract: every operation is called as it should be, wrongly and without
//! credentials; every answer has a status and a body that the document promises; and there is no route beside the document.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod admin;
mod document;
mod drift;
mod identity;
mod lobby;
mod refusals;
mod routes;
#[expect(dead_code, reason = "the identity tests use more of it")]
#[path = "../identity/support.rs"]
mod support;
mod walk;

use sqlx::PgPool;

use self::walk::Walk;

/// Operations that the walk cannot bring to success, and why. This list may only shrink.
const BEYOND_THE_WALK: [(&str, &str); 0] = [];

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn every_operation_does_what_the_document_promises(pool: PgPool) {
    let mut walk = Walk::new(pool).await;
    identity::walk(&mut walk).await;
    lobby::walk(&mut walk).await;
    admin::walk(&mut walk).await;
    let left: Vec<_> = walk
        .document
        .operations()
        .into_iter()
        .map(|operation| operation.id)
        .filter(|id| !walk.succeeded.contains(id))
        .filter(|id| !BEYOND_THE_WALK.iter().any(|(known, _)| known == id))
        .collect();
    assert!(
        left.is_empty(),
        "operations without a valid call in this test: {left:?}"
    );
}

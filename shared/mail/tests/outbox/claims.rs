use std::time::Duration;

use futures_util::future::join_all;
use galaxy_mail::{
    Priority,
    claim::{claim, renew},
    finish::Outcome,
};
use galaxy_testkit::World;
use sqlx::PgPool;

use crate::world::{LEASE, claim_all, claim_one, expire_leases, finish, mail, refusal};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn login_codes_are_claimed_before_older_mails(pool: PgPool) {
    let world = World::new(pool);
    for n in 0..5 {
        mail(&format!("normal-{n}")).enqueue(&world).await;
    }
    let mut code = mail("code");
    code.priority = Priority::Urgent;
    let code = code.enqueue(&world).await;
    let first = claim(&world.db, 2, LEASE).await.unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(first[0].delivery_id, code);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_mailers_never_claim_the_same_mail(pool: PgPool) {
    let world = World::new(pool);
    for n in 0..40 {
        mail(&format!("{n}")).enqueue(&world).await;
    }
    let mailers = (0..8).map(|_| async {
        let mut mine = vec![];
        loop {
            let claims = claim(&world.db, 3, LEASE).await.unwrap();
            if claims.is_empty() {
                return mine;
            }
            mine.extend(claims.into_iter().map(|claim| claim.delivery_id));
        }
    });
    let mut all: Vec<_> = join_all(mailers).await.into_iter().flatten().collect();
    assert_eq!(all.len(), 40);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 40);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_expired_lease_is_refused_and_its_attempt_is_recorded_as_abandoned(pool: PgPool) {
    let world = World::new(pool);
    mail("a").enqueue(&world).await;
    let late = claim_one(&world).await;
    assert!(
        claim_all(&world).await.is_empty(),
        "another claim finds nothing while the lease holds"
    );
    assert!(renew(&world.db, &late, LEASE).await.unwrap());

    expire_leases(&world).await;
    let next = claim_one(&world).await;
    assert_eq!(next.attempts, 1);
    assert_eq!(next.message_id, late.message_id);
    assert!(!renew(&world.db, &late, LEASE).await.unwrap());
    assert!(!finish(&world, &late, Outcome::Dead(refusal())).await);
    assert!(finish(&world, &next, Outcome::Sent).await);
    let attempts =
        "select count(*) from backend.mail_attempts where outcome in ('abandoned', 'sent')";
    assert_eq!(world.count(attempts).await, 2);
    assert_eq!(
        world
            .count("select count(*) from backend.mail_dead_letters")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_retried_mail_is_due_after_its_wait_and_a_released_one_at_once(pool: PgPool) {
    let world = World::new(pool);
    mail("a").enqueue(&world).await;
    let claim = claim_one(&world).await;
    let retry = |after, spent| Outcome::Retry {
        after,
        spent,
        failure: refusal(),
    };
    assert!(finish(&world, &claim, retry(Duration::from_mins(10), true)).await);
    assert!(claim_all(&world).await.is_empty());

    sqlx::query("update backend.mail_deliveries set next_attempt_at = now()")
        .execute(world.db.pool())
        .await
        .unwrap();
    let claim = claim_one(&world).await;
    assert_eq!(claim.attempts, 1);
    assert!(finish(&world, &claim, Outcome::Released).await);
    let claim = claim_one(&world).await;
    assert_eq!(
        claim.attempts, 1,
        "a released claim does not count as an attempt"
    );
    assert!(finish(&world, &claim, retry(Duration::ZERO, false)).await);
    assert_eq!(
        claim_one(&world).await.attempts,
        1,
        "nor does an unreachable SMTP server"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_permanently_refused_mail_becomes_a_dead_letter_and_is_not_claimed_again(pool: PgPool) {
    let world = World::new(pool);
    mail("a").enqueue(&world).await;
    let claim = claim_one(&world).await;
    assert!(finish(&world, &claim, Outcome::Dead(refusal())).await);
    assert!(claim_all(&world).await.is_empty());
    let letters = "select count(*) from backend.mail_dead_letters where reason like '550%'";
    assert_eq!(world.count(letters).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_claim_tells_that_a_mail_is_expired_and_no_attempt_is_recorded(pool: PgPool) {
    let world = World::new(pool);
    let mut code = mail("code");
    code.expires_at = Some(world.clock.now() - Duration::from_secs(1));
    code.enqueue(&world).await;
    let claim = claim_one(&world).await;
    assert!(claim.is_expired);
    assert!(finish(&world, &claim, Outcome::Expired).await);
    assert_eq!(
        world
            .count("select count(*) from backend.mail_attempts")
            .await,
        0
    );
}

use std::time::Duration;

use galaxy_mail::{depth::depth, finish::Outcome, sweep};
use galaxy_testkit::World;
use sqlx::PgPool;

use crate::world::{claim_one, finish, mail};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn bodies_of_old_finished_mails_are_erased_in_batches_and_those_of_queued_mails_kept(
    pool: PgPool,
) {
    let world = World::new(pool);
    for n in 0..3 {
        mail(&format!("{n}")).enqueue(&world).await;
        let claim = claim_one(&world).await;
        assert!(finish(&world, &claim, Outcome::Sent).await);
    }
    mail("open").enqueue(&world).await;
    let (past, future) = (
        world.clock.now() - Duration::from_hours(1),
        world.clock.now() + Duration::from_hours(1),
    );
    assert_eq!(sweep::erase_bodies(&world.db, past, 10).await.unwrap(), 0);
    assert_eq!(sweep::erase_bodies(&world.db, future, 2).await.unwrap(), 2);
    assert_eq!(sweep::erase_bodies(&world.db, future, 2).await.unwrap(), 1);
    assert_eq!(claim_one(&world).await.content.text, "A text");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn queued_codes_past_their_expiry_are_expired_and_erased(pool: PgPool) {
    let world = World::new(pool);
    let mut code = mail("code");
    code.secret = true;
    code.expires_at = Some(world.clock.now() - Duration::from_secs(1));
    code.enqueue(&world).await;
    mail("other").enqueue(&world).await;
    assert_eq!(sweep::expire(&world.db, 10).await.unwrap(), 1);
    let left = "select count(*) from backend.mail_payloads where secret and octet_length(body) > 0";
    assert_eq!(world.count(left).await, 0);
    assert_eq!(depth(&world.db).await.unwrap().open, 1);
}

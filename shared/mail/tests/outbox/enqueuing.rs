use futures_util::future::join_all;
use galaxy_mail::{Content, NewMail, Priority, drop_for_user, enqueue};
use galaxy_store::Topic;
use galaxy_testkit::World;
use sqlx::PgPool;

use crate::world::{address, claim_all, claim_one, content, finish, mail};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_enqueued_mail_can_be_claimed_and_wakes_the_mailer_after_the_commit(pool: PgPool) {
    let world = World::new(pool);
    let wakeup = world.db.subscribe(Topic::Mail);
    mail("a").enqueue(&world).await;
    tokio::time::timeout(std::time::Duration::from_secs(1), wakeup.notified())
        .await
        .expect("the mailer is notified after the commit");
    let claim = claim_one(&world).await;
    assert_eq!(
        (claim.to.as_str(), &claim.content),
        ("ada@example.org", &content())
    );
    assert_eq!(claim.message_id, claim.delivery_id.to_string());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_mail_of_a_rolled_back_transaction_is_not_sent(pool: PgPool) {
    let world = World::new(pool);
    let mut tx = world.db.begin().await.unwrap();
    let to = address("ada@example.org");
    enqueue(&mut tx, &[new_mail("a", &to, &content())])
        .await
        .unwrap();
    drop(tx);
    assert!(claim_all(&world).await.is_empty());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_transactions_with_the_same_key_create_one_mail(pool: PgPool) {
    let world = World::new(pool);
    let transactions = (0..12).map(|_| async { mail("same").try_enqueue(&world).await });
    let created = join_all(transactions).await.concat();
    let claimed: Vec<_> = claim_all(&world).await;
    assert_eq!(created.len(), 1);
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].delivery_id, created[0]);
    assert_eq!(mail("same").try_enqueue(&world).await, []);
    let orphans = "select count(*) from backend.mail_payloads p
        where not exists (select from backend.mail_deliveries d where d.payload_id = p.payload_id)";
    assert_eq!(world.count(orphans).await, 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn one_call_writes_many_mails_and_leaves_out_known_keys_and_suppressed_ones(pool: PgPool) {
    let world = World::new(pool);
    mail("known").enqueue(&world).await;
    let to = address("ada@example.org");
    let content = content();
    let plain = Content {
        subject: "Without HTML".to_owned(),
        html: None,
        ..content.clone()
    };
    let mails = [
        new_mail("a", &to, &content),
        new_mail("known", &to, &content),
        NewMail {
            suppressed: true,
            ..new_mail("suppressed", &to, &content)
        },
        new_mail("twice", &to, &plain),
        new_mail("twice", &to, &plain),
    ];
    let mut tx = world.db.begin().await.unwrap();
    let created = enqueue(&mut tx, &mails).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(created.len(), 2);
    let mut subjects: Vec<_> = claim_all(&world)
        .await
        .into_iter()
        .filter(|claim| created.contains(&claim.delivery_id))
        .map(|claim| (claim.content.subject, claim.content.html.is_some()))
        .collect();
    subjects.sort();
    let wanted = [
        ("A subject".to_owned(), true),
        ("Without HTML".to_owned(), false),
    ];
    assert_eq!(subjects, wanted);
    for table in [
        "select count(*) from backend.mail_deliveries",
        "select count(*) from backend.mail_payloads",
        "select count(*) from backend.mail_recipients",
    ] {
        assert_eq!(world.count(table).await, 3, "{table}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn each_mail_of_a_call_keeps_its_own_trace(pool: PgPool) {
    let world = World::new(pool);
    let (to, content) = (address("ada@example.org"), content());
    let trace = |n: u8| format!("00-{n:032x}-{n:016x}-01");
    let traces = [trace(1), trace(2)];
    let mails = [("a", &traces[0]), ("b", &traces[1])].map(|(key, trace)| NewMail {
        traceparent: Some(trace),
        ..new_mail(key, &to, &content)
    });
    let mut tx = world.db.begin().await.unwrap();
    enqueue(&mut tx, &mails).await.unwrap();
    tx.commit().await.unwrap();
    let mut found: Vec<_> = claim_all(&world)
        .await
        .into_iter()
        .map(|claim| claim.traceparent.unwrap())
        .collect();
    found.sort();
    assert_eq!(found, traces);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn line_breaks_in_a_subject_are_replaced(pool: PgPool) {
    let world = World::new(pool);
    let mut tx = world.db.begin().await.unwrap();
    let with_line_break = Content {
        subject: "Hello\r\nBcc: eve@example.org".to_owned(),
        ..content()
    };
    let to = address("ada@example.org");
    enqueue(&mut tx, &[new_mail("a", &to, &with_line_break)])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let claim = claim_one(&world).await;
    assert_eq!(claim.content.subject, "Hello  Bcc: eve@example.org");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn dropping_an_accounts_mail_erases_addresses_and_bodies_and_keeps_mail_of_others(
    pool: PgPool,
) {
    let world = World::new(pool);
    let (deleted, other) = (world.account().await, world.account().await);
    for (key, user) in [
        ("queued", deleted),
        ("being-sent", deleted),
        ("other", other),
    ] {
        let mut mail = mail(key);
        mail.user_id = Some(user);
        mail.enqueue(&world).await;
    }
    let held = galaxy_mail::claim::claim(&world.db, 2, crate::world::LEASE)
        .await
        .unwrap();
    let mut tx = world.db.begin().await.unwrap();
    assert_eq!(drop_for_user(&mut tx, deleted).await.unwrap(), 2);
    tx.commit().await.unwrap();

    for claim in &held {
        let recorded = finish(&world, claim, galaxy_mail::finish::Outcome::Sent).await;
        assert!(!recorded, "an outcome after the drop is refused");
    }
    let left = claim_all(&world).await;
    assert_eq!(left.len(), 1, "mail of other accounts is still sent");
    let traces = "select count(*) from backend.mail_deliveries d
        join backend.mail_recipients r using (delivery_id) join backend.mail_payloads p using (payload_id)
        where d.status = 'dropped' and (r.address <> 'deleted' or octet_length(p.body) > 0)";
    assert_eq!(world.count(traces).await, 0);
}

fn new_mail<'a>(
    key: &'a str,
    to: &'a galaxy_core::EmailAddress,
    content: &'a Content,
) -> NewMail<'a> {
    NewMail {
        template_id: "test",
        idempotency_key: key,
        user_id: None,
        to,
        content,
        priority: Priority::Normal,
        expires_at: None,
        secret: false,
        list_unsubscribe: None,
        traceparent: None,
        suppressed: false,
    }
}

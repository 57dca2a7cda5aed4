//! The mailer against an SMTP server that fails on demand.

#![cfg(test)]

mod world;

use std::time::Duration;

use galaxy_mail::Priority;
use galaxy_stack::inbox::{Action, Fault, Stage};
use sqlx::PgPool;

use crate::world::MailWorld;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_mail_arrives_with_both_parts_and_its_headers(pool: PgPool) {
    let world = MailWorld::start(pool).await;
    let id = world.enqueue("a").await;
    let mail = world.arrived("a").await;
    let raw = String::from_utf8(mail.raw.clone()).unwrap();
    assert!(
        raw.contains(&format!("Message-ID: <{id}@example.org>")),
        "{raw}"
    );
    for header in [
        "From: Galaxy <galaxy@example.org>",
        "Auto-Submitted: auto-generated",
        "List-Unsubscribe: <https://galaxy.example/u?t=1>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "multipart/alternative",
    ] {
        assert!(raw.contains(header), "{header} in {raw}");
    }
    world.status_is("a", "sent").await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_refused_recipient_is_a_dead_letter_at_once_and_other_mails_are_sent(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world
        .faults()
        .add(Fault::reply(Stage::Recipient, 550, "no such user").only_for("refused@example.org"));
    world.enqueue("refused").await;
    world.enqueue("b").await;
    world.run();
    world.arrived("b").await;
    world.status_is("refused", "dead").await;
    assert_eq!(world.attempts("refused").await, ["permanent_failure 550"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_greylisted_mail_is_tried_again_after_a_wait(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world
        .faults()
        .add(Fault::reply(Stage::Recipient, 450, "come back later").times(1));
    world.enqueue("a").await;
    world.run();
    world.attempts_are("a", 1).await;
    let wait = world.seconds_until_next_attempt("a").await;
    assert!((3.0..=10.0).contains(&wait), "{wait} s");
    world.make_due("a").await;
    world.arrived("a").await;
    world.status_is("a", "sent").await;
    assert_eq!(world.attempts("a").await, ["transient_failure 450", "sent"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_connection_closed_during_the_content_loses_no_mail(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world
        .faults()
        .add(Fault::new(Stage::Content, Action::Drop).times(1));
    world.enqueue("a").await;
    world.run();
    world.attempts_are("a", 1).await;
    world.make_due("a").await;
    world.arrived("a").await;
    world.status_is("a", "sent").await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_duplicate_after_a_lost_reply_has_the_same_message_id(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world
        .faults()
        .add(Fault::new(Stage::End, Action::KeepAndDrop).times(1));
    world.enqueue("a").await;
    world.run();
    world.attempts_are("a", 1).await;
    world.make_due("a").await;
    world.status_is("a", "sent").await;
    let ids = world.message_ids("a");
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_late_reply_is_not_taken_for_the_reply_to_the_next_mail(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    let late = Action::Delay(world::TIMEOUT * 2);
    world
        .faults()
        .add(Fault::new(Stage::Recipient, late).times(1));
    world.enqueue("late").await;
    world.run();
    world.attempts_are("late", 1).await;
    for key in ["b", "c", "d"] {
        world.enqueue(key).await;
    }
    for key in ["b", "c", "d"] {
        world.arrived(key).await;
    }
    world.make_due("late").await;
    world.arrived("late").await;
    for key in ["late", "b", "c", "d"] {
        world.status_is(key, "sent").await;
        assert_eq!(world.message_ids(key).len(), 1, "{key}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_outage_spends_no_attempts_and_login_codes_are_sent_first_after_it(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world
        .faults()
        .add(Fault::reply(Stage::Connect, 421, "closed for today"));
    for n in 0..20 {
        world.enqueue(&format!("normal-{n}")).await;
    }
    world.run_with(1);
    world.probed(3).await;
    world.enqueue_as("code", Priority::Urgent).await;
    let spent = world
        .count("select coalesce(sum(attempts), 0)::bigint from backend.mail_deliveries")
        .await;
    assert_eq!(spent, 0);
    world.make_all_due().await;
    world.faults().clear();
    for n in 0..20 {
        world.arrived(&format!("normal-{n}")).await;
    }
    let order = world.order_of_arrival();
    let code = order.iter().position(|key| key == "code").unwrap();
    assert!(
        code <= 1,
        "the code came {code} mails after the probe: {order:?}"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_expired_login_code_is_not_sent(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    world.enqueue_expired("stale").await;
    world.enqueue("b").await;
    world.run();
    world.arrived("b").await;
    world.status_is("stale", "expired").await;
    assert!(world.message_ids("stale").is_empty());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_wake_up_sends_a_mail_before_the_next_poll(pool: PgPool) {
    let world = MailWorld::start(pool).await;
    world.enqueue("first").await;
    world.arrived("first").await;
    let started = std::time::Instant::now();
    world.enqueue("second").await;
    world.arrived("second").await;
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "polls every minute"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn two_mailers_send_each_mail_once(pool: PgPool) {
    let world = MailWorld::paused(pool).await;
    for n in 0..60 {
        world.enqueue(&format!("{n}")).await;
    }
    world.run();
    world.run();
    for n in 0..60 {
        world.arrived(&format!("{n}")).await;
        world.status_is(&format!("{n}"), "sent").await;
    }
    assert_eq!(world.order_of_arrival().len(), 60);
}

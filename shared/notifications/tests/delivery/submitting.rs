use futures_util::future::join_all;
use galaxy_core::UserId;
use galaxy_notifications::{Recipient, Submitted, drop_for_user, kind::Group, unsubscribe};
use galaxy_testkit::World;
use serde_json::json;
use sqlx::PgPool;

use crate::world::{
    delete, intent, mails, pushes, routes, set_language, set_preferences, submit_all, submit_one,
};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_player_is_pushed_and_mailed_once_however_often_it_is_asked_for(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let started = intent("lobby.game.started", "k", Recipient::User(user));
    let asked = join_all((0..8).map(|_| submit_one(&world, &started))).await;
    let told = asked.iter().filter(|a| matches!(a, Submitted::Told(_)));
    assert_eq!(told.count(), 1, "{asked:?}");
    assert_eq!(pushes(&world).await, 1);
    let mails = mails(&world).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].2, "“Alpha” has begun");
    assert_eq!(routes(&world).await.len(), 2);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_mail_is_written_in_the_players_language_with_a_link_that_turns_its_group_off(
    pool: PgPool,
) {
    let world = World::new(pool);
    let user = world.account().await;
    set_language(&world, user, "de-AT").await;
    submit_one(
        &world,
        &intent("lobby.game.started", "k", Recipient::User(user)),
    )
    .await;
    let (_, _, subject, link) = mails(&world).await.remove(0);
    assert_eq!(subject, "„Alpha“ hat begonnen");
    let link = link.unwrap();
    let token = link
        .strip_prefix("https://galaxy.example/api/v1/public/unsubscribe?token=")
        .unwrap();
    let key = "key".to_owned().into();
    assert_eq!(unsubscribe::verify(&key, token), Some((user, Group::Lobby)));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn preferences_silence_mails_but_never_pushes_nor_mails_about_safety(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let off = json!({ "lobby_mail": false, "account_mail": false });
    set_preferences(&world, user, off).await;
    let to = Recipient::User(user);
    for kind in [
        "lobby.game.started",
        "game.turn_ready",
        "account.entitlement_changed",
    ] {
        submit_one(&world, &intent(kind, "k", to)).await;
    }
    assert_eq!(mails(&world).await, []);
    assert_eq!(pushes(&world).await, 3);

    for kind in ["session.new_device", "account.sanction_applied"] {
        submit_one(&world, &intent(kind, "k", to)).await;
    }
    let mails = mails(&world).await;
    assert_eq!(mails.len(), 2);
    assert!(
        mails.iter().all(|(.., link)| link.is_none()),
        "no way to turn them off"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn turns_are_mailed_to_those_who_asked_for_it(pool: PgPool) {
    let world = World::new(pool);
    let (asked, other) = (world.account().await, world.account().await);
    set_preferences(&world, asked, json!({ "turns_mail": true })).await;
    let intents = [asked, other]
        .map(|user| intent("game.turn_ready", &user.to_string(), Recipient::User(user)));
    submit_all(&world, world.clock.now(), &intents).await;
    assert_eq!(pushes(&world).await, 2);
    let mails = mails(&world).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].1, format!("{asked}@example.org"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operators_are_mailed_each_at_their_address(pool: PgPool) {
    let world = World::new(pool);
    let failed = intent("runtime.engine_unreachable", "k", Recipient::Operators);
    assert!(matches!(
        submit_one(&world, &failed).await,
        Submitted::Told(_)
    ));
    assert_eq!(mails(&world).await[0].1, "operator@example.org");
    assert_eq!(pushes(&world).await, 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_cannot_be_followed_is_kept_with_its_reason_and_the_rest_goes_through(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let to = Recipient::User(user);
    let mut shapeless = intent("lobby.game.started", "b", to);
    shapeless.payload = json!({ "game_id": "\0" });
    let mut untimely = intent("lobby.race_name.pending", "c", to);
    untimely.payload["expires_at"] = json!("soon");
    let intents = [
        intent("lobby.nonsense", "a", to),
        shapeless,
        untimely,
        intent(
            "lobby.game.started",
            "d",
            Recipient::User(UserId::generate()),
        ),
        intent("lobby.game.started", "e", to),
    ];
    let outcomes = submit_all(&world, world.clock.now(), &intents).await;
    let malformed = outcomes
        .iter()
        .filter(|o| matches!(o, Submitted::Malformed(_)));
    assert_eq!(malformed.count(), 4, "{outcomes:?}");
    assert!(matches!(outcomes[4], Submitted::Told(_)));
    assert_eq!(
        world
            .count("select count(*) from backend.notification_malformed_intents")
            .await,
        4
    );
    assert_eq!(
        world
            .count("select count(*) from backend.notifications")
            .await,
        1
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_deleted_account_is_told_nothing_and_is_no_malformed_recipient(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    delete(&world, user).await;
    let outcome = submit_one(
        &world,
        &intent("lobby.game.started", "k", Recipient::User(user)),
    )
    .await;
    assert_eq!(outcome, Submitted::Gone);
    assert_eq!(pushes(&world).await, 0);
    assert_eq!(
        world
            .count("select count(*) from backend.notification_malformed_intents")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_deletion_drops_what_waits_for_the_account(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    submit_one(
        &world,
        &intent("lobby.game.started", "now", Recipient::User(user)),
    )
    .await;
    let always = json!({ "quiet_hours": { "from": "00:00", "to": "23:59" } });
    set_preferences(&world, user, always).await;
    let night = "2026-01-15T12:00:00Z".parse().unwrap();
    submit_all(
        &world,
        night,
        &[intent(
            "lobby.game.finished",
            "later",
            Recipient::User(user),
        )],
    )
    .await;
    assert!(routes(&world).await.contains(&"mail pending".to_owned()));

    let mut tx = world.db.begin().await.unwrap();
    drop_for_user(&mut tx, user).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!routes(&world).await.contains(&"mail pending".to_owned()));
    let open = "select count(*) from backend.mail_deliveries where status <> 'dropped'";
    assert_eq!(world.count(open).await, 0);
}

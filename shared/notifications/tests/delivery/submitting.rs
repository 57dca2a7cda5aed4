use futures_util::future::join_all;
use galaxy_core::{EmailAddress, UserId};
use galaxy_notifications::{
    Cause, Recipient, Submitted, drop_for_user, kind::Group, submit, unsubscribe,
};
use galaxy_testkit::World;
use serde_json::json;
use sqlx::PgPool;

use crate::world::{
    delete, intent, mails, pushes, routes, set_language, set_preferences, settings, submit_all,
    submit_one,
};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_submissions_of_the_same_key_notify_once(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let started = intent("lobby.game.started", "k", Recipient::User(user));
    let submitted = join_all((0..8).map(|_| submit_one(&world, &started))).await;
    let created = submitted
        .iter()
        .filter(|outcome| matches!(outcome, Submitted::Created(_)));
    assert_eq!(created.count(), 1, "{submitted:?}");
    assert_eq!(pushes(&world).await, 1);
    let mails = mails(&world).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].2, "“Alpha” has begun");
    assert_eq!(routes(&world).await.len(), 2);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_mail_is_in_the_players_language_with_an_unsubscribe_link_for_its_group(pool: PgPool) {
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
async fn preferences_turn_off_mails_except_those_about_security_and_no_push_events(pool: PgPool) {
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
        "no unsubscribe link"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn turns_are_mailed_only_to_players_who_turned_that_on(pool: PgPool) {
    let world = World::new(pool);
    let (subscribed, other) = (world.account().await, world.account().await);
    set_preferences(&world, subscribed, json!({ "turns_mail": true })).await;
    let intents = [subscribed, other]
        .map(|user| intent("game.turn_ready", &user.to_string(), Recipient::User(user)));
    submit_all(&world, world.clock.now(), &intents).await;
    assert_eq!(pushes(&world).await, 2);
    let mails = mails(&world).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].1, format!("{subscribed}@example.org"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operators_are_mailed_at_their_configured_addresses(pool: PgPool) {
    let world = World::new(pool);
    let failed = intent("runtime.engine_unreachable", "k", Recipient::Operators);
    assert!(matches!(
        submit_one(&world, &failed).await,
        Submitted::Created(_)
    ));
    assert_eq!(mails(&world).await[0].1, "operator@example.org");
    assert_eq!(pushes(&world).await, 0);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_owner_gets_push_and_mail_of_an_incident_and_operators_a_mail(pool: PgPool) {
    let world = World::new(pool);
    let owner = world.account().await;
    set_language(&world, owner, "ru").await;
    let intents = [
        intent("game.engine_incident", "k", Recipient::User(owner)),
        intent("game.turn_failed", "k", Recipient::User(owner)),
        intent("runtime.engine_incident", "k", Recipient::Operators),
    ];
    for _ in 0..2 {
        submit_all(&world, world.clock.now(), &intents).await;
    }
    assert_eq!(pushes(&world).await, 2);
    let subjects: Vec<_> = mails(&world).await.into_iter().map(|mail| mail.2).collect();
    let wanted = [
        "Неполадки в игре «Alpha»",
        "Игра «Alpha» приостановлена: не удалось рассчитать ход",
        "Host lost: Alpha",
    ];
    assert_eq!(subjects, wanted);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn several_intents_for_several_operators_make_one_mail_each(pool: PgPool) {
    let world = World::new(pool);
    let mut settings = settings();
    let second = EmailAddress::parse("second@example.org").unwrap();
    settings.operators.push(second);
    let intents =
        ["a", "b"].map(|key| intent("runtime.engine_unreachable", key, Recipient::Operators));
    let cause = Cause {
        event_id: None,
        now: world.clock.now(),
    };
    let mut tx = world.db.begin().await.unwrap();
    submit(&mut tx, &settings, cause, &intents).await.unwrap();
    tx.commit().await.unwrap();
    let mut addresses: Vec<_> = mails(&world).await.into_iter().map(|mail| mail.1).collect();
    addresses.sort();
    let each_twice = ["operator@example.org", "second@example.org"].map(|to| [to, to]);
    assert_eq!(addresses, each_twice.as_flattened());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn malformed_intents_are_stored_with_their_reason_and_the_others_are_submitted(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let to = Recipient::User(user);
    let mut incomplete = intent("lobby.game.started", "b", to);
    incomplete.payload = json!({ "game_id": "\0" });
    let mut with_wrong_time = intent("lobby.race_name.pending", "c", to);
    with_wrong_time.payload["expires_at"] = json!("soon");
    let intents = [
        intent("lobby.nonsense", "a", to),
        incomplete,
        with_wrong_time,
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
    assert!(matches!(outcomes[4], Submitted::Created(_)));
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
async fn a_deleted_account_is_not_notified_and_the_intent_is_not_malformed(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    delete(&world, user).await;
    let outcome = submit_one(
        &world,
        &intent("lobby.game.started", "k", Recipient::User(user)),
    )
    .await;
    assert_eq!(outcome, Submitted::AccountDeleted);
    assert_eq!(pushes(&world).await, 0);
    assert_eq!(
        world
            .count("select count(*) from backend.notification_malformed_intents")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn dropping_a_users_notifications_skips_pending_routes_and_drops_mails(pool: PgPool) {
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

use galaxy_core::Timestamp;
use galaxy_notifications::{Recipient, due};
use galaxy_testkit::World;
use serde_json::json;
use sqlx::PgPool;

use crate::world::{
    LEASE, delete, deliver_due, intent, mails, make_routes_due, pushes, routes, set_preferences,
    settings, submit_all,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const QUIET: &str = "2026-01-15T23:00:00Z";
const MORNING: &str = "2026-01-16T07:00:00Z";

async fn player_with_quiet_nights(world: &World) -> Recipient {
    let user = world.account().await;
    let night = json!({ "quiet_hours": { "from": "22:00", "to": "07:00" }, "turns_mail": true });
    set_preferences(world, user, night).await;
    Recipient::User(user)
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn in_quiet_hours_mails_wait_and_push_events_do_not(pool: PgPool) {
    let world = World::new(pool);
    let player = player_with_quiet_nights(&world).await;
    submit_all(
        &world,
        at(QUIET),
        &[intent("lobby.game.started", "k", player)],
    )
    .await;
    assert_eq!(pushes(&world).await, 1);
    assert_eq!(mails(&world).await, []);

    make_routes_due(&world).await;
    deliver_due(&world, at(QUIET)).await;
    assert_eq!(
        mails(&world).await,
        [],
        "it is still quiet, so it waits again"
    );
    make_routes_due(&world).await;
    deliver_due(&world, at(MORNING)).await;
    assert_eq!(mails(&world).await.len(), 1);
    assert_eq!(routes(&world).await, ["push delivered", "mail delivered"]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_waiting_mail_is_skipped_if_it_was_turned_off_or_its_account_deleted(pool: PgPool) {
    let world = World::new(pool);
    let (changed, deleted) = (
        player_with_quiet_nights(&world).await,
        player_with_quiet_nights(&world).await,
    );
    let intents = [
        intent("lobby.game.started", "a", changed),
        intent("lobby.game.started", "b", deleted),
    ];
    submit_all(&world, at(QUIET), &intents).await;
    set_preferences(
        &world,
        changed.user_id().unwrap(),
        json!({ "lobby_mail": false }),
    )
    .await;
    delete(&world, deleted.user_id().unwrap()).await;
    make_routes_due(&world).await;
    deliver_due(&world, at(MORNING)).await;
    assert_eq!(mails(&world).await, []);
    let skipped = "select count(*) from backend.notification_routes where channel = 'mail' and status = 'skipped'";
    assert_eq!(world.count(skipped).await, 2);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_route_is_delivered_once_and_an_expired_lease_is_refused(pool: PgPool) {
    let world = World::new(pool);
    let player = player_with_quiet_nights(&world).await;
    submit_all(
        &world,
        at(QUIET),
        &[intent("lobby.game.started", "k", player)],
    )
    .await;
    make_routes_due(&world).await;
    let late = due::claim(&world.db, 10, LEASE).await.unwrap();
    assert!(due::claim(&world.db, 10, LEASE).await.unwrap().is_empty());
    make_routes_due(&world).await;
    deliver_due(&world, at(MORNING)).await;
    due::deliver(&world.db, &settings(), late[0], at(MORNING))
        .await
        .unwrap();
    assert_eq!(mails(&world).await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_digest_lists_the_turns_of_a_day_in_one_mail(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let preferences = json!({ "turns_mail": true, "turns_digest": true });
    set_preferences(&world, user, preferences).await;
    let turn = |key: &str, game: &str, turn: u32| {
        let mut intent = intent("game.turn_ready", key, Recipient::User(user));
        intent.payload["game_id"] = json!(game);
        intent.payload["game_name"] = json!(game);
        intent.payload["turn"] = json!(turn);
        intent
    };
    let turns = [
        turn("a", "Alpha", 7),
        turn("b", "Alpha", 8),
        turn("c", "Beta", 3),
    ];
    submit_all(&world, at("2026-01-15T09:00:00Z"), &turns).await;
    assert_eq!(pushes(&world).await, 3);
    assert_eq!(mails(&world).await, []);

    make_routes_due(&world).await;
    deliver_due(&world, at("2026-01-15T18:00:00Z")).await;
    let found = mails(&world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "turns.digest");
    let text: String =
        sqlx::query_scalar("select convert_from(body, 'UTF8') from backend.mail_payloads")
            .fetch_one(world.db.pool())
            .await
            .unwrap();
    assert!(text.contains("Alpha: 8\nBeta: 3"), "{text}");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_digests_of_one_player_are_one_mail(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    let preferences = json!({ "turns_mail": true, "turns_digest": true });
    set_preferences(&world, user, preferences).await;
    let turns: Vec<_> = (0..12)
        .map(|n| intent("game.turn_ready", &n.to_string(), Recipient::User(user)))
        .collect();
    submit_all(&world, at("2026-01-15T09:00:00Z"), &turns).await;
    make_routes_due(&world).await;
    let routes = due::claim(&world.db, 12, LEASE).await.unwrap();
    let settings = settings();
    let now = at("2026-01-15T18:00:00Z");
    let all = routes
        .iter()
        .map(|route| due::deliver(&world.db, &settings, *route, now));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
    assert_eq!(mails(&world).await.len(), 1);
}

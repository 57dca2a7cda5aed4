use galaxy_core::Limit;
use galaxy_notifications::{
    Channel, Recipient, RouteStatus, Submitted,
    dead_letters::{ReplayError, replay},
    list::{self, Filter},
};
use galaxy_testkit::World;
use serde_json::json;
use sqlx::PgPool;

use crate::world::{
    deliver_due, intent, mails, make_routes_due, set_preferences, submit_all, submit_one,
};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_undeliverable_route_becomes_a_dead_letter_that_can_be_replayed_once(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    set_preferences(
        &world,
        user,
        json!({ "quiet_hours": { "from": "11:00", "to": "13:00" } }),
    )
    .await;
    let mut broken = intent("lobby.race_name.pending", "k", Recipient::User(user));
    broken.payload["expires_at"] = json!("soon");
    let noon = galaxy_testkit::noon();
    submit_all(&world, noon, &[broken]).await;
    make_routes_due(&world).await;
    let evening = noon + std::time::Duration::from_hours(6);
    deliver_due(&world, evening).await;

    let letters = list::dead_letters(&world.db, None, Limit::DEFAULT)
        .await
        .unwrap();
    assert_eq!(letters.items.len(), 1);
    assert!(
        letters.items[0].reason.contains("lobby.race_name.pending"),
        "{:?}",
        letters.items
    );

    sqlx::query("update backend.notifications set payload = payload || '{\"expires_at\": \"2026-02-01T00:00:00Z\"}'")
        .execute(world.db.pool())
        .await
        .unwrap();
    let id = letters.items[0].dead_letter_id;
    let replay_it = async || {
        let mut tx = world.db.begin().await.unwrap();
        replay(&mut tx, id).await?;
        tx.commit().await.unwrap();
        Ok::<_, ReplayError>(())
    };
    replay_it().await.unwrap();
    assert!(matches!(replay_it().await, Err(ReplayError::Replayed)));
    deliver_due(&world, evening).await;
    assert_eq!(mails(&world).await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operators_list_notifications_in_pages_and_see_their_routes(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    for n in 0..5 {
        submit_one(
            &world,
            &intent("lobby.game.started", &n.to_string(), Recipient::User(user)),
        )
        .await;
    }
    let limit = Limit::new(2).unwrap();
    let (mut keys, mut cursor) = (vec![], None);
    loop {
        let page = list::notifications(&world.db, &Filter::default(), cursor.as_deref(), limit)
            .await
            .unwrap();
        keys.extend(page.items.into_iter().map(|n| n.idempotency_key));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["4", "3", "2", "1", "0"]);
    let other = Filter {
        kind: Some("lobby.game.paused".to_owned()),
        user_id: Some(user),
    };
    let none = list::notifications(&world.db, &other, None, limit)
        .await
        .unwrap();
    assert!(none.items.is_empty());

    let submitted = submit_one(
        &world,
        &intent("lobby.game.paused", "p", Recipient::User(user)),
    )
    .await;
    let Submitted::Created(id) = submitted else {
        panic!("{submitted:?}");
    };
    let detail = list::notification(&world.db, id).await.unwrap().unwrap();
    assert_eq!(detail.routes.len(), 1);
    assert_eq!(detail.routes[0].channel, Channel::Push);
    assert_eq!(detail.routes[0].status, RouteStatus::Delivered);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn operators_see_malformed_intents_as_received(pool: PgPool) {
    let world = World::new(pool);
    submit_one(&world, &intent("lobby.nonsense", "k", Recipient::Operators)).await;
    let malformed = list::malformed(&world.db, None, Limit::DEFAULT)
        .await
        .unwrap();
    assert_eq!(malformed.items[0].payload["kind"], "lobby.nonsense");
    assert!(malformed.items[0].reason.contains("not known"));
}

//! Pages of games and of one's own things.

use std::collections::{BTreeMap, HashSet};

use galaxy_api::lobby::store::game_counts::by_status_and_health;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Lobby, snapshot, text};
use galaxy_core::UserId;

/// Every item of a list, page by page.
async fn walk(lobby: &Lobby, player: UserId, path: &str) -> Vec<Value> {
    let mut items = vec![];
    let mut cursor = None::<String>;
    loop {
        let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = lobby
            .get(player, &format!("{path}{more}"))
            .await
            .expect(200);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return items,
        }
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|game| game["game_name"].as_str().unwrap())
        .collect()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_public_list_shows_public_games_newest_first_each_once(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let reader = lobby.player().await;
    let mut made = vec![];
    for n in 0..7 {
        lobby
            .world
            .clock
            .advance(jiff::SignedDuration::from_secs(n % 2));
        let name = json!({"game_name": format!("Game {n}")});
        made.push(lobby.open_game(owner, name).await.to_string());
    }
    lobby.draft(owner, json!({"game_name": "A draft"})).await;
    lobby
        .open_game(owner, json!({"visibility": "private"}))
        .await;
    let items = walk(&lobby, reader, "/lobby/games?limit=2").await;
    let ids: Vec<String> = items.iter().map(|game| text(game, "game_id")).collect();
    made.reverse();
    assert_eq!(ids, made);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn games_are_found_by_status_and_by_the_beginning_of_their_name(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let reader = lobby.player().await;
    for name in ["Orion", "orion two", "ORION one", "Perseus", "Or%on"] {
        lobby.open_game(owner, json!({"game_name": name})).await;
    }
    let game = lobby
        .open_game(owner, json!({"game_name": "Orion gone"}))
        .await;
    lobby
        .act(owner, &format!("/lobby/games/{game}/cancel"))
        .await
        .expect(200);
    let found = walk(&lobby, reader, "/lobby/games?limit=2&q=oRi").await;
    assert_eq!(
        names(&found),
        ["Orion", "Orion gone", "ORION one", "orion two"]
    );
    let open = walk(
        &lobby,
        reader,
        "/lobby/games?limit=1&q=ori&status=enrollment_open",
    )
    .await;
    assert_eq!(names(&open), ["Orion", "ORION one", "orion two"]);
    let cancelled = walk(&lobby, reader, "/lobby/games?status=cancelled").await;
    assert_eq!(names(&cancelled), ["Orion gone"]);
    assert!(
        walk(&lobby, reader, "/lobby/games?status=draft")
            .await
            .is_empty()
    );
    assert_eq!(
        names(&walk(&lobby, reader, "/lobby/games?q=or%25").await),
        ["Or%on"]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn odd_limits_cursors_and_filters_are_refused(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    for _ in 0..2 {
        lobby.open_game(owner, json!({})).await;
    }
    let page = lobby.get(owner, "/lobby/games?limit=1").await.expect(200);
    let cursor = text(&page, "next_cursor");
    for (query, code) in [
        ("limit=0", "invalid_request"),
        ("limit=201", "invalid_request"),
        ("limit=x", "invalid_request"),
        ("status=open", "invalid_request"),
        ("page=2", "invalid_request"),
        ("cursor=nonsense", "invalid_cursor"),
        (&format!("status=running&cursor={cursor}"), "invalid_cursor"),
        (&format!("q=x&cursor={cursor}"), "invalid_cursor"),
    ] {
        lobby
            .get(owner, &format!("/lobby/games?{query}"))
            .await
            .refused(400, code);
    }
    lobby
        .get(owner, &format!("/lobby/my/games?cursor={cursor}"))
        .await
        .refused(400, "invalid_cursor");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn my_games_are_those_i_own_and_those_i_play_each_once(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let me = lobby.rich_player().await;
    let other = lobby.rich_player().await;
    let mut mine = HashSet::new();
    for n in 0..3 {
        let own = lobby.open_game(me, json!({})).await;
        lobby.join(me, me, own, &format!("Own {n}")).await;
        let joined = lobby.open_game(other, json!({})).await;
        lobby.join(other, me, joined, &format!("Guest {n}")).await;
        lobby.open_game(other, json!({})).await;
        mine.extend([own.to_string(), joined.to_string()]);
    }
    mine.insert(lobby.draft(me, json!({})).await.to_string());
    let items = walk(&lobby, me, "/lobby/my/games?limit=2").await;
    let ids: Vec<String> = items.iter().map(|game| text(game, "game_id")).collect();
    assert_eq!(ids.len(), 7);
    assert_eq!(ids.into_iter().collect::<HashSet<_>>(), mine);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn my_applications_invites_and_names_come_in_pages(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    let me = lobby.rich_player().await;
    for n in 0..3 {
        let game = lobby.open_game(owner, json!({})).await;
        lobby.join(owner, me, game, &format!("Race {n}")).await;
        let other = lobby.open_game(owner, json!({})).await;
        let path = format!("/lobby/games/{other}/invites");
        lobby
            .post(owner, &path, json!({"invited_user_id": me}))
            .await
            .expect(201);
    }
    for list in ["applications", "invites", "race-names"] {
        let items = walk(&lobby, me, &format!("/lobby/my/{list}?limit=2")).await;
        assert_eq!(items.len(), 3, "{list}");
        let others = walk(&lobby, owner, &format!("/lobby/my/{list}?limit=2")).await;
        assert!(others.is_empty(), "{list}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn games_are_counted_by_status_and_health_and_each_status_is_there(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.rich_player().await;
    lobby.draft(owner, json!({})).await;
    lobby.open_game(owner, json!({})).await;
    let (running, _) = lobby.running_game(owner, "Sol").await;
    lobby.apply_event(&snapshot(running, 2, 1)).await;
    let cancelled = lobby.draft(owner, json!({})).await;
    let cancel = format!("/lobby/games/{cancelled}/cancel");
    lobby.act(owner, &cancel).await.expect(200);

    let mut connection = lobby.world.db.acquire().await.unwrap();
    let counts = by_status_and_health(&mut connection).await.unwrap();
    let found: BTreeMap<(&str, &str), i64> = counts
        .iter()
        .map(|count| ((&*count.status, &*count.health), count.games))
        .collect();
    let expected = [
        (("cancelled", "none"), 1),
        (("draft", "none"), 1),
        (("enrollment_open", "none"), 1),
        (("finished", "none"), 0),
        (("paused", "none"), 0),
        (("ready_to_start", "none"), 0),
        (("running", "healthy"), 1),
        (("running", "none"), 0),
        (("start_failed", "none"), 0),
        (("starting", "none"), 0),
    ];
    assert_eq!(found, BTreeMap::from(expected));
}

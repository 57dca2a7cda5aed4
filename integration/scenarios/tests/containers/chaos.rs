//! Three runtime managers on two nodes, killed at random points again and again while games start, play turns, stop, restart and
//! are patched: no second engine, no doubled turn, no game that is stuck, no attempt spent.

mod game;
mod kills;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use galaxy_scenarios::{Admin, Player, Table, eventually};
use galaxy_stack::{
    Service, Stack, StackFile, StackOptions, Ui,
    docker::{self, check_single, engine_image::TestImage},
};
use serde_json::json;

use self::{game::Game, kills::Kills};

/// Games whose engines are containers of the one Docker engine that two managers serve, and processes of the third's node.
const IN_DOCKER: usize = 9;
const AS_PROCESSES: usize = 3;
/// How long an engine takes over a turn, so that kills hit turns.
const TURN_DELAY: &str = "300ms";
/// After the last kill each game must be as it should within this time: a dead manager's operations are free after 30 s.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
const WITHIN: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn managers_that_are_killed_again_and_again_lose_and_double_nothing() -> Result<()> {
    if !docker::for_test() {
        return Ok(());
    }
    let mut kills = Kills::of_environment()?;
    let image = TestImage::make(&[
        ("ENGINE_TURN_DELAY", TURN_DELAY),
        ("ENGINE_MAX_TURNS", "1000"),
    ])?;
    let directory = tempfile::tempdir()?;
    let options = StackOptions::for_test()?.in_docker(image.name().to_owned());
    let mut stack = Stack::start(options.replicas(Service::RuntimeManager, 2)).await?;
    let third = stack.add_process_node().await?;
    let file = stack.file()?;
    let (admin, engines) = (Admin::new(&file), stack.in_docker());
    let history = engines.follow()?;
    offer_versions(&admin, image.name(), &process_image(directory.path())?).await?;
    let (player, games) = open_games(&file, &admin).await?;

    // A start goes to any node that has room; these games' engines must be where their images are.
    set_draining(&admin, "docker", "drain").await?;
    for game in games.iter().filter(|game| game.is_process()) {
        game.start(&player).await?;
    }
    try_join_all(
        games
            .iter()
            .filter(|game| game.is_process())
            .map(|game| game.runs(&admin)),
    )
    .await?;
    set_draining(&admin, "docker", "undrain").await?;
    set_draining(&admin, "process", "drain").await?;

    let managers = ["runtime-manager", "runtime-manager-2", &third];
    let over = kills.over();
    let all_played = try_join_all(games.iter().map(|game| game.play(&admin, &player, &over)));
    tokio::select! {
        done = async { tokio::try_join!(kills.run(&mut stack, &managers), all_played) } => drop(done?),
        () = settling(&over) => bail!("stuck: {}", game::open(&admin, &games).await?),
    }

    for game in &games {
        game.check(&admin, &player).await?;
    }
    check_events(&player, &admin, &games).await?;
    let containers = check_single(&history.events())?;
    ensure!(containers >= IN_DOCKER, "only {containers} containers");
    let summary = game::summary(&admin, &games).await?;
    Ui::quiet().plain(format!("{kills}; {containers} containers; {summary}"));

    for game in &games {
        let stop = format!("/games/{}/force-stop", game.id);
        admin.post(&stop, None).await?;
    }
    eventually("no container is left", WITHIN, async || {
        Ok(engines.containers(true)?.is_empty().then_some(()))
    })
    .await?;
    check_single(&history.events())?;
    stack.stop().await
}

/// Ends when all should be well.
async fn settling(over: &AtomicBool) {
    while !over.load(Ordering::Acquire) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(SETTLED_WITHIN).await;
}

/// The program beside the managers, with the same delay as the image's.
fn process_image(directory: &std::path::Path) -> Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let engine = galaxy_stack::Layout::of_checkout()?
        .binaries()
        .join("engine");
    let script = directory.join("slow-engine");
    let text = format!(
        "#!/bin/sh\nexport ENGINE_TURN_DELAY={TURN_DELAY} ENGINE_MAX_TURNS=1000\nexec {} \"$@\"\n",
        engine.display()
    );
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    Ok(format!("process:{}", script.display()))
}

/// A row of patches for each kind of image: the same engine, under other names.
async fn offer_versions(admin: &Admin, image: &str, process: &str) -> Result<()> {
    for patch in 0..=game::PATCHES {
        for (version, image) in [(game::DOCKER, image), (game::PROCESS, process)] {
            let new = json!({ "version": format!("{version}.{patch}"), "image_ref": image });
            admin.post("/engine-versions", Some(new)).await?;
        }
    }
    Ok(())
}

/// All games, enrolled. Both players are in each of them; the first one owns them.
async fn open_games(file: &StackFile, admin: &Admin) -> Result<(Player, Vec<Game>)> {
    let mut players = vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ];
    for player in &players {
        for limit in ["max_owned_games", "max_active_memberships"] {
            let limit =
                json!({ "limit_code": limit, "action": "set", "value": 50, "reason": "a test" });
            let path = format!("/users/{}/limits", player.user_id);
            admin.post(&path, Some(limit)).await?;
        }
    }
    let mut games = Vec::new();
    for number in 0..IN_DOCKER + AS_PROCESSES {
        let kind = if number < IN_DOCKER {
            game::DOCKER
        } else {
            game::PROCESS
        };
        let name = format!("Game {number} among crashes");
        let version = format!("{kind}.0");
        let mut table = Table::open_on(players, &name, Some(&version)).await?;
        // Names that read alike are taken.
        let letter = char::from(b"ABCDEFGHJKPQ"[number]);
        let races = ["Terrans", "Vegans"].map(|people| format!("{people} {letter}"));
        table
            .seat_all(&races.each_ref().map(String::as_str))
            .await?;
        let ready = galaxy_client::Call::new("ready_to_start").path("game_id", &table.game_id);
        table.players[0].call(ready).await?;
        games.push(Game::new(table.game_id, kind, number));
        players = table.players;
    }
    Ok((players.swap_remove(0), games))
}

/// `verb` is `drain` or `undrain`.
async fn set_draining(admin: &Admin, driver: &str, verb: &str) -> Result<()> {
    let nodes = admin.get("/nodes").await?;
    let mut nodes = nodes["items"].as_array().into_iter().flatten();
    let node = nodes.find(|node| node["driver"] == driver);
    let id = node.and_then(|node| node["node_id"].as_str());
    let id = id.with_context(|| format!("no node of {driver}"))?;
    admin.post(&format!("/nodes/{id}/{verb}"), None).await?;
    Ok(())
}

/// The player was told of each turn of each game once, in order.
async fn check_events(player: &Player, admin: &Admin, games: &[Game]) -> Result<()> {
    let mut told = std::collections::BTreeMap::<String, Vec<u64>>::new();
    let mut last = std::collections::BTreeMap::new();
    for game in games {
        last.insert(game.id.clone(), game.turn(admin).await?);
    }
    let all = player.event("the last turns", |event| {
        if event.kind == "game.turn_ready" {
            let game = event.payload["game_id"].as_str().unwrap_or_default();
            let turn = event.payload["turn"].as_u64().unwrap_or_default();
            told.entry(game.to_owned()).or_default().push(turn);
        }
        let newest = |game: &String| told.get(game).and_then(|turns| turns.last()).copied();
        last.iter().all(|(game, turn)| newest(game) >= Some(*turn))
    });
    all.await?;
    for (game, last) in last {
        let turns = told.remove(&game).unwrap_or_default();
        ensure!(
            turns == (1..=last).collect::<Vec<_>>(),
            "game {game}: {turns:?}"
        );
    }
    Ok(())
}

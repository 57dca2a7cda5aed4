//! The state directory: what is refused at start-up, and what a full disk may not do.

use std::fs;

use galaxy_engine::{
    engine::{Engine, EngineError},
    game::{FORMAT, Game},
    store::{OpenError, StateDir, StoreError},
};

use crate::world::{TempDir, new_game};

fn open(dir: &TempDir) -> Result<Engine, StoreError> {
    Engine::open(StateDir::open(&dir.0).unwrap(), 60)
}

#[test]
fn a_directory_belongs_to_one_engine_at_a_time() {
    let dir = TempDir::new();
    let first = StateDir::open(&dir.0).unwrap();
    assert!(matches!(
        StateDir::open(&dir.0),
        Err(OpenError::InUse { .. })
    ));
    drop(first);
    assert!(StateDir::open(&dir.0).is_ok());
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let dir = TempDir::new();
    fs::create_dir_all(&dir.0).unwrap();
    let file = dir.0.join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        StateDir::open(&file),
        Err(OpenError::Unusable { .. })
    ));
}

#[test]
fn a_damaged_state_is_refused_rather_than_replaced() {
    let dir = TempDir::new();
    open(&dir).unwrap().init(&new_game(1, 2)).unwrap();
    let path = dir.0.join("game.json");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(open(&dir), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() / 2);
}

#[test]
fn a_state_of_another_format_is_refused_whatever_is_in_it() {
    let dir = TempDir::new();
    drop(StateDir::open(&dir.0).unwrap());
    fs::write(dir.0.join("game.json"), r#"{"format": 99, "stars": []}"#).unwrap();
    assert!(matches!(
        open(&dir),
        Err(StoreError::OtherFormat { found: 99, .. })
    ));
}

#[test]
fn the_stored_shape_has_not_changed_without_a_new_format() {
    let game = Game::create(&new_game(1, 2), 60).unwrap();
    let mut keys: Vec<String> = Vec::new();
    let value = serde_json::to_value(&game).unwrap();
    for part in [&value, &value["races"][0], &value["planets"][0]] {
        keys.extend(part.as_object().unwrap().keys().cloned());
    }
    keys.sort_unstable();
    let written = "active defence events finished fleets format game_id initial_planets \
        initial_population max_planets max_population max_turns name nickname orders owner planets \
        player_id population production race_name races seed ships size stock turn winner x y";
    assert_eq!((keys.join(" ").as_str(), FORMAT), (written, 1));
}

#[test]
fn what_cannot_be_saved_did_not_happen() {
    let dir = TempDir::new();
    let engine = open(&dir).unwrap();
    engine.init(&new_game(1, 2)).unwrap();
    let before = engine.status().unwrap();
    // A directory in the way of the temporary file stops any user, root too.
    fs::create_dir(dir.0.join("game.tmp")).unwrap();
    assert!(matches!(
        engine.generate(1),
        Err(EngineError::Store(StoreError::Io { .. }))
    ));
    assert!(matches!(engine.banish("R0"), Err(EngineError::Store(_))));
    assert_eq!(engine.status().unwrap(), before);
    fs::remove_dir(dir.0.join("game.tmp")).unwrap();
    assert_eq!(engine.generate(1).unwrap().turn, 1);
}

#[test]
fn a_restarted_engine_has_everything_that_was_acknowledged() {
    let dir = TempDir::new();
    let engine = open(&dir).unwrap();
    let player = engine.init(&new_game(1, 3)).unwrap().players[1].player_id;
    engine.generate(1).unwrap();
    engine.banish("R0").unwrap();
    let (status, reports) = (
        engine.status().unwrap(),
        [0, 1].map(|turn| engine.report(player, turn).unwrap()),
    );
    drop(engine);
    let engine = open(&dir).unwrap();
    assert_eq!(engine.status().unwrap(), status);
    assert_eq!(
        [0, 1].map(|turn| engine.report(player, turn).unwrap()),
        reports
    );
}

#[test]
fn the_last_turn_of_a_game_is_settled_when_it_begins() {
    let dir = TempDir::new();
    let engine = Engine::open(StateDir::open(&dir.0).unwrap(), 7).unwrap();
    let player = engine.init(&new_game(1, 2)).unwrap().players[0].player_id;
    drop(engine);
    let engine = open(&dir).unwrap();
    assert_eq!(engine.report(player, 0).unwrap().max_turns, 7);
}

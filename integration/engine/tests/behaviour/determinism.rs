//! One seed and one history of orders give one state.

use galaxy_engine::game::Game;
use proptest::prelude::*;

use crate::world::{Try, any_history, new_game, play_turn};

const RACES: [usize; 4] = [0, 1, 2, 3];

fn play(seed: u64, history: &[Vec<Try>], races: &[usize]) -> Game {
    let mut game = Game::create(&new_game(seed, RACES.len()), 60).unwrap();
    for tries in history {
        play_turn(&mut game, tries, races);
    }
    game
}

fn bytes(game: &Game) -> Vec<u8> {
    serde_json::to_vec(game).unwrap()
}

proptest! {
    #[test]
    fn the_same_history_gives_the_same_state(seed: u64, history in any_history()) {
        prop_assert_eq!(bytes(&play(seed, &history, &RACES)), bytes(&play(seed, &history, &RACES)));
    }

    #[test]
    fn who_orders_first_makes_no_difference(
        seed: u64,
        history in any_history(),
        sequence in Just(RACES.to_vec()).prop_shuffle(),
    ) {
        prop_assert_eq!(bytes(&play(seed, &history, &RACES)), bytes(&play(seed, &history, &sequence)));
    }

    #[test]
    fn a_game_saved_and_loaded_after_each_turn_goes_on_the_same(seed: u64, history in any_history()) {
        let mut game = Game::create(&new_game(seed, RACES.len()), 60).unwrap();
        for tries in &history {
            play_turn(&mut game, tries, &RACES);
            game = serde_json::from_slice(&bytes(&game)).unwrap();
        }
        prop_assert_eq!(bytes(&game), bytes(&play(seed, &history, &RACES)));
    }
}

#[test]
fn histories_do_lead_to_battles_and_conquests() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let games = (0..50).map(|seed| {
        play(
            seed,
            &any_history().new_tree(&mut runner).unwrap().current(),
            &RACES,
        )
    });
    let conquests = games
        .filter(|game| game.races.iter().any(|race| race.max_planets > 1))
        .count();
    assert!(
        conquests > 10,
        "the properties above would prove little: {conquests} of 50"
    );
}

//! Fog of war, as non-interference: whatever changes out of a player's sight, the player's report
//! stays the same to the last byte.

use galaxy_engine::game::{
    Event, Fleet, Game, Happening, Planet, PlanetId, Production, RaceId, SENSOR_RANGE,
};
use proptest::prelude::*;

use crate::world::{any_history, new_game, play_turn};

const RACES: usize = 4;
const READER: RaceId = RaceId(0);

fn report(game: &Game) -> String {
    serde_json::to_string(&game.report(game.races[READER.0].player_id).unwrap()).unwrap()
}

/// Written anew rather than borrowed from the code under test.
fn in_sight(game: &Game, x: i64, y: i64) -> bool {
    game.planets_of(READER).any(|post| {
        let (dx, dy) = (post.x.abs_diff(x), post.y.abs_diff(y));
        dx * dx + dy * dy <= SENSOR_RANGE * SENSOR_RANGE
    })
}

fn scramble(planet: &mut Planet, by: u64) {
    planet.owner = [None, Some(RaceId(1)), Some(RaceId(2))][usize::try_from(by % 3).unwrap()];
    planet.population += by;
    planet.ships += by;
    planet.defence += by;
    planet.stock += by;
    planet.production = Production::Population;
    planet.nickname = Some(format!("secret {by}"));
}

fn foreign_fleet(planet: usize, by: u64) -> Fleet {
    let at = PlanetId(planet);
    Fleet {
        owner: RaceId(1),
        from: at,
        to: at,
        ships: by,
        left_at: 0,
        arrives_at: u32::MAX,
    }
}

proptest! {
    #[test]
    fn nothing_out_of_sight_shows_in_a_report(
        seed: u64,
        history in any_history(),
        by in 1_u64..1_000_000,
    ) {
        let mut game = Game::create(&new_game(seed, RACES), 60).unwrap();
        for tries in &history {
            play_turn(&mut game, tries, &[0, 1, 2, 3]);
        }
        let before = report(&game);
        for planet in 0..game.planets.len() {
            let (x, y) = (game.planets[planet].x, game.planets[planet].y);
            if !in_sight(&game, x, y) {
                scramble(&mut game.planets[planet], by);
                game.fleets.push(foreign_fleet(planet, by));
            }
        }
        for race in &mut game.races[1..] {
            race.orders.clear();
            race.max_planets += by;
            race.max_population += by;
        }
        let what = Happening::PlanetTaken { planet: PlanetId(0), by: "R1".into(), from: None };
        game.events.push(Event { witnesses: Some(vec![RaceId(1), RaceId(2)]), what });
        prop_assert_eq!(report(&game), before);
    }

    #[test]
    fn work_and_nicknames_of_others_stay_hidden_even_in_sight(seed: u64, by in 1_u64..1_000_000) {
        let mut game = Game::create(&new_game(seed, RACES), 60).unwrap();
        let before = report(&game);
        for planet in game.planets.iter_mut().filter(|planet| planet.owner != Some(READER)) {
            planet.stock += by;
            planet.production = Production::Defence;
            planet.nickname = Some("secret".into());
        }
        prop_assert_eq!(report(&game), before);
    }
}

/// The reader's home at the origin; a foreign planet as far away as is seen, another one unit
/// further.
fn border() -> Game {
    let mut game = Game::create(&new_game(1, 2), 60).unwrap();
    for (number, planet) in game.planets.iter_mut().enumerate() {
        (planet.x, planet.y, planet.owner) = (500, i64::try_from(number).unwrap(), Some(RaceId(1)));
        planet.ships = 77;
    }
    let range = SENSOR_RANGE.cast_signed();
    (game.planets[0].x, game.planets[0].y, game.planets[0].owner) = (0, 0, Some(READER));
    (game.planets[1].x, game.planets[1].y) = (range, 0);
    (game.planets[2].x, game.planets[2].y) = (range + 1, 0);
    game
}

#[test]
fn sight_ends_where_the_rules_say() {
    let game = border();
    let view = serde_json::to_value(game.report(game.races[0].player_id).unwrap()).unwrap();
    assert_eq!(view["planets"][0]["visibility"], "own");
    assert_eq!(view["planets"][1]["visibility"], "seen");
    assert_eq!(view["planets"][1]["ships"], 77);
    assert_eq!(view["planets"][2]["visibility"], "charted");
    assert!(view["planets"][2].get("ships").is_none());
}

#[test]
fn ships_of_others_show_in_sight_but_not_where_they_go() {
    let mut game = border();
    let fleet = |owner: usize, from: usize, to: usize| Fleet {
        owner: RaceId(owner),
        from: PlanetId(from),
        to: PlanetId(to),
        ships: 9,
        left_at: 0,
        arrives_at: 30,
    };
    // One at the edge of sight, one beyond it, one of the reader's own far out.
    game.fleets = vec![fleet(1, 1, 0), fleet(1, 2, 0), fleet(0, 2, 3)];
    let view = serde_json::to_value(game.report(game.races[0].player_id).unwrap()).unwrap();
    let fleets = view["fleets"].as_array().unwrap();
    assert_eq!(fleets.len(), 2);
    assert_eq!(
        (&fleets[0]["owner"], &fleets[0]["x"]),
        (&"R1".into(), &25.into())
    );
    assert!(fleets[0].get("to").is_none());
    assert_eq!(
        (&fleets[1]["owner"], &fleets[1]["to"]),
        (&"R0".into(), &3.into())
    );
}

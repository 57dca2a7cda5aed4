//! A turn: orders, production, growth, travel, battles, eliminations and the end, in this order.

use super::{
    error::GameError,
    model::{Game, Happening, Planet, Production, RaceId},
};

/// Work that a ship takes; each inhabitant does one unit a turn.
const SHIP_COST: u64 = 100;
/// Work that a fixed defence takes.
const DEFENCE_COST: u64 = 60;

impl Game {
    /// Generates turn `expected`. `false`: it was generated before, or the game is over, and
    /// nothing changed. A caller that lost the answer can therefore repeat the request.
    pub fn generate(&mut self, expected: u32) -> Result<bool, GameError> {
        let next = self.turn.saturating_add(1);
        if expected > next {
            return Err(GameError::TurnAhead { expected, next });
        }
        if expected < next || self.finished {
            return Ok(false);
        }
        self.events.clear();
        self.carry_out_orders();
        self.planets
            .iter_mut()
            .filter(|planet| planet.owner.is_some())
            .for_each(|planet| {
                work(planet);
                grow(planet);
            });
        self.turn = next;
        self.land_fleets();
        self.finish_turn();
        Ok(true)
    }

    /// An order that was fine when it was given can fail now: a command or a banishment may have
    /// come between. The player gets an event.
    fn carry_out_orders(&mut self) {
        for race in (0..self.races.len()).map(RaceId) {
            for order in std::mem::take(&mut self.races[race.0].orders) {
                if let Err(refusal) = self.run_order(race, &order) {
                    let code = refusal.code().to_owned();
                    self.record(Some(vec![race]), Happening::OrderFailed { order, code });
                }
            }
        }
    }
}

fn work(planet: &mut Planet) {
    let (product, cost) = match planet.production {
        Production::Ships => (&mut planet.ships, SHIP_COST),
        Production::Defence => (&mut planet.defence, DEFENCE_COST),
        Production::Population => return,
    };
    let work = planet.stock + planet.population;
    *product += work / cost;
    planet.stock = work % cost;
}

/// A tenth a turn, twice that where nothing else is worked on, up to what the planet carries.
fn grow(planet: &mut Planet) {
    let rate = if planet.production == Production::Population {
        2
    } else {
        1
    };
    let growth = (planet.population * rate / 10).max(rate);
    planet.population = (planet.population + growth).min(planet.size);
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{Command, NewGame, Order, PlanetId, RaceEntry, Stage};
    use super::*;

    fn game() -> Game {
        let races = ["A", "B"]
            .map(|name| RaceEntry {
                race_name: name.into(),
            })
            .to_vec();
        Game::create(
            &NewGame {
                game_id: Uuid::nil(),
                seed: 3,
                races,
                options: super::super::GameOptions::default(),
            },
            60,
        )
        .unwrap()
    }

    fn home(game: &Game, race: usize) -> PlanetId {
        PlanetId(
            game.planets
                .iter()
                .position(|p| p.owner == Some(RaceId(race)))
                .unwrap(),
        )
    }

    fn send(game: &mut Game, race: usize, to: PlanetId, ships: u64) -> bool {
        let order = Order::SendShips {
            from: home(game, race),
            to,
            ships,
        };
        game.order(game.races[race].player_id, vec![order])
            .unwrap()
            .results[0]
            .ok
    }

    #[test]
    fn a_turn_is_generated_once_however_often_it_is_requested() {
        let mut game = game();
        assert_eq!(game.stage(), Stage::Created);
        assert_eq!(game.generate(1), Ok(true));
        let after = game.clone();
        for expected in [0, 1] {
            assert_eq!(game.generate(expected), Ok(false));
        }
        assert_eq!(
            game.generate(3),
            Err(GameError::TurnAhead {
                expected: 3,
                next: 2
            })
        );
        assert_eq!((game.stage(), &game), (Stage::Running, &after));
    }

    #[test]
    fn a_planet_builds_what_its_production_says() {
        for (production, ships, defence, population) in [
            (Production::Ships, 15, 5, 550),
            (Production::Defence, 10, 13, 550),
            (Production::Population, 10, 5, 600),
        ] {
            let mut game = game();
            let planet = home(&game, 0);
            let command = Command::SetProduction { planet, production };
            assert!(
                game.command(game.races[0].player_id, &[command])
                    .unwrap()
                    .results[0]
                    .ok
            );
            game.generate(1).unwrap();
            let planet = &game.planets[planet.0];
            assert_eq!(
                (planet.ships, planet.defence, planet.population),
                (ships, defence, population)
            );
        }
    }

    #[test]
    fn work_left_over_counts_next_turn() {
        let mut planet = game().planets.remove(0);
        (planet.population, planet.stock, planet.ships) = (250, 70, 0);
        work(&mut planet);
        assert_eq!((planet.ships, planet.stock), (3, 20));
    }

    #[test]
    fn a_population_never_outgrows_its_planet() {
        let mut game = game();
        for turn in 1..=40 {
            game.generate(turn).unwrap();
        }
        assert!(
            game.planets
                .iter()
                .all(|planet| planet.population <= planet.size)
        );
    }

    #[test]
    fn ships_leave_with_the_turn_and_arrive_when_they_should() {
        let mut game = game();
        let target = PlanetId(game.planets.iter().position(|p| p.owner.is_none()).unwrap());
        game.planets[target.0].defence = 0;
        assert!(send(&mut game, 0, target, 4));
        assert!(game.fleets.is_empty(), "an order waits for the turn");
        game.generate(1).unwrap();
        let arrival = game.fleets.first().map_or(1, |fleet| fleet.arrives_at);
        for turn in 2..=arrival {
            assert_eq!(game.planets[target.0].owner, None, "turn {turn}");
            game.generate(turn).unwrap();
        }
        assert_eq!(game.planets[target.0].owner, Some(RaceId(0)));
        assert_eq!(game.planets[target.0].ships, 4);
        assert!(game.fleets.is_empty());
    }

    #[test]
    fn a_new_list_of_orders_replaces_the_old_one() {
        let mut game = game();
        assert!(send(&mut game, 0, PlanetId(0), 4) || send(&mut game, 0, PlanetId(1), 4));
        game.order(game.races[0].player_id, Vec::new()).unwrap();
        game.generate(1).unwrap();
        assert!(game.fleets.is_empty());
    }

    #[test]
    fn orders_are_checked_one_after_the_other() {
        let mut game = game();
        let (from, to) = (home(&game, 0), home(&game, 1));
        let orders = [7, 7, 3]
            .map(|ships| Order::SendShips { from, to, ships })
            .to_vec();
        let answer = game.order(game.races[0].player_id, orders).unwrap();
        let ok: Vec<bool> = answer.results.iter().map(|result| result.ok).collect();
        assert_eq!(ok, [true, false, true]);
        assert_eq!(game.races[0].orders.len(), 2);
    }

    #[test]
    fn an_order_that_fails_in_the_turn_is_an_event_of_its_player() {
        let mut game = game();
        let to = home(&game, 1);
        assert!(send(&mut game, 0, to, 10));
        let from = home(&game, 0);
        game.planets[from.0].ships = 3;
        game.generate(1).unwrap();
        let code = "not_enough_ships".to_owned();
        let order = Order::SendShips {
            from,
            to,
            ships: 10,
        };
        assert_eq!(game.events[0].what, Happening::OrderFailed { order, code });
        assert_eq!(game.events[0].witnesses, Some(vec![RaceId(0)]));
    }

    #[test]
    fn orders_that_make_no_sense_are_refused_with_a_reason() {
        let mut game = game();
        let (mine, theirs) = (home(&game, 0), home(&game, 1));
        let nowhere = PlanetId(999);
        for (from, to, ships, code) in [
            (mine, nowhere, 1, "unknown_planet"),
            (nowhere, mine, 1, "unknown_planet"),
            (theirs, mine, 1, "not_your_planet"),
            (mine, mine, 1, "already_there"),
            (mine, theirs, 0, "no_ships"),
            (mine, theirs, 11, "not_enough_ships"),
            (mine, theirs, u64::MAX, "not_enough_ships"),
        ] {
            let order = Order::SendShips { from, to, ships };
            let answer = game.order(game.races[0].player_id, vec![order]).unwrap();
            let error = answer.results[0].error.as_ref().unwrap();
            assert_eq!(error.code, code);
        }
    }

    #[test]
    fn commands_touch_only_ones_own_planets() {
        let mut game = game();
        let before = game.clone();
        let theirs = home(&game, 1);
        let commands = [
            Command::SetProduction {
                planet: theirs,
                production: Production::Defence,
            },
            Command::NicknamePlanet {
                planet: theirs,
                nickname: Some("Ours soon".into()),
            },
            Command::NicknamePlanet {
                planet: home(&game, 0),
                nickname: Some(" ".into()),
            },
        ];
        let answer = game.command(game.races[0].player_id, &commands).unwrap();
        assert!(answer.results.iter().all(|result| !result.ok));
        assert_eq!(game, before);
    }
}

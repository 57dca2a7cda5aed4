//! How races leave and the game ends.

use super::{
    error::GameError,
    model::{Game, Happening, RaceId},
};

impl Game {
    /// Takes a race out for good: its planets become free, guarded by the ships that were there;
    /// its fleets are lost. `false`: it was out already.
    pub fn banish(&mut self, race_name: &str) -> Result<bool, GameError> {
        let at = self
            .races
            .iter()
            .position(|race| race.race_name == race_name);
        let id = RaceId(at.ok_or(GameError::UnknownRace)?);
        if !self.races[id.0].active || self.finished {
            return Ok(false);
        }
        self.retire(id);
        for planet in self
            .planets
            .iter_mut()
            .filter(|planet| planet.owner == Some(id))
        {
            planet.owner = None;
            planet.defence += std::mem::take(&mut planet.ships);
            planet.stock = 0;
            planet.nickname = None;
        }
        self.fleets.retain(|fleet| fleet.owner != id);
        self.record(
            None,
            Happening::RaceBanished {
                race_name: race_name.to_owned(),
            },
        );
        Ok(true)
    }

    /// The end of a turn: records, eliminations, and whether the game goes on.
    pub(super) fn finish_turn(&mut self) {
        for id in (0..self.races.len()).map(RaceId) {
            let (planets, population) = self.size_of(id);
            let under_way = self.fleets.iter().any(|fleet| fleet.owner == id);
            let race = &mut self.races[id.0];
            race.max_planets = race.max_planets.max(planets);
            race.max_population = race.max_population.max(population);
            if race.active && planets == 0 && !under_way {
                self.retire(id);
                let race_name = self.name_of(id);
                self.record(None, Happening::RaceEliminated { race_name });
            }
        }
        // A game for one is not won by being alone.
        let standing = self.races.iter().filter(|race| race.active).count();
        let decided = standing == 0 || (standing == 1 && self.races.len() > 1);
        if decided || self.turn >= self.max_turns {
            self.finished = true;
            self.winner = self.leader();
        }
    }

    fn retire(&mut self, id: RaceId) {
        let race = &mut self.races[id.0];
        race.active = false;
        race.orders.clear();
    }

    /// The active race with most planets, then most people; none if two are equal in both.
    fn leader(&self) -> Option<RaceId> {
        let active = (0..self.races.len())
            .filter(|&race| self.races[race].active)
            .map(RaceId);
        let mut ranks: Vec<_> = active.map(|race| (self.size_of(race), race)).collect();
        ranks.sort_unstable();
        match ranks.as_slice() {
            [] => None,
            [.., (second, _), (first, _)] if first == second => None,
            [.., (_, leader)] => Some(*leader),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{NewGame, Order, PlanetId, RaceEntry, Stage, model::Fleet};
    use super::*;

    fn game(races: usize, max_turns: u32) -> Game {
        let races = (0..races)
            .map(|n| RaceEntry {
                race_name: format!("R{n}"),
            })
            .collect();
        Game::create(
            &NewGame {
                game_id: Uuid::nil(),
                seed: 5,
                races,
                options: super::super::GameOptions::default(),
            },
            max_turns,
        )
        .unwrap()
    }

    fn strip(game: &mut Game, race: usize) {
        for planet in &mut game.planets {
            planet.owner = planet.owner.filter(|owner| owner.0 != race);
        }
    }

    #[test]
    fn a_race_without_planets_and_ships_is_eliminated_for_all_to_see() {
        let mut game = game(3, 60);
        strip(&mut game, 1);
        game.generate(1).unwrap();
        assert!(!game.races[1].active);
        assert_eq!(game.events[0].witnesses, None);
        assert_eq!(
            game.events[0].what,
            Happening::RaceEliminated {
                race_name: "R1".into()
            }
        );
        assert_eq!(game.stage(), Stage::Running);
        assert_eq!(
            game.order(game.races[1].player_id, vec![]),
            Err(GameError::RaceInactive)
        );
    }

    #[test]
    fn a_race_lives_as_long_as_its_ships() {
        let mut game = game(3, 60);
        strip(&mut game, 1);
        game.fleets.push(Fleet {
            owner: RaceId(1),
            from: PlanetId(0),
            to: PlanetId(1),
            ships: 1,
            left_at: 0,
            arrives_at: 9,
        });
        game.generate(1).unwrap();
        assert!(game.races[1].active);
    }

    #[test]
    fn the_last_one_standing_wins() {
        let mut game = game(2, 60);
        strip(&mut game, 0);
        game.generate(1).unwrap();
        assert_eq!(
            (game.stage(), game.winner),
            (Stage::Finished, Some(RaceId(1)))
        );
    }

    #[test]
    fn the_last_turn_ends_the_game_with_the_largest_race_ahead() {
        let mut game = game(3, 2);
        let free = game
            .planets
            .iter()
            .position(|planet| planet.owner.is_none())
            .unwrap();
        game.planets[free].owner = Some(RaceId(2));
        game.generate(1).unwrap();
        assert_eq!(game.stage(), Stage::Running);
        game.generate(2).unwrap();
        assert_eq!(
            (game.stage(), game.winner),
            (Stage::Finished, Some(RaceId(2)))
        );
    }

    #[test]
    fn equals_share_the_end_without_a_winner() {
        let mut game = game(2, 1);
        game.generate(1).unwrap();
        assert_eq!((game.stage(), game.winner), (Stage::Finished, None));
    }

    #[test]
    fn a_finished_game_stands_still() {
        let mut game = game(2, 1);
        game.generate(1).unwrap();
        let end = game.clone();
        assert_eq!(game.generate(2), Ok(false));
        assert_eq!(game.banish("R0"), Ok(false));
        assert_eq!(
            game.command(game.races[0].player_id, &[]),
            Err(GameError::GameFinished)
        );
        assert_eq!(game, end);
    }

    #[test]
    fn a_game_for_one_goes_on_until_its_last_turn() {
        let mut game = game(1, 2);
        game.generate(1).unwrap();
        assert_eq!(game.stage(), Stage::Running);
        game.generate(2).unwrap();
        assert_eq!(game.stage(), Stage::Finished);
    }

    #[test]
    fn a_banished_race_leaves_guarded_planets_behind() {
        let mut game = game(3, 60);
        let home = game
            .planets
            .iter()
            .position(|p| p.owner == Some(RaceId(1)))
            .unwrap();
        let order = Order::SendShips {
            from: PlanetId(home),
            to: PlanetId((home + 1) % 10),
            ships: 3,
        };
        game.order(game.races[1].player_id, vec![order]).unwrap();
        assert_eq!(game.banish("R1"), Ok(true));
        let planet = &game.planets[home];
        assert_eq!((planet.owner, planet.ships, planet.defence), (None, 0, 15));
        assert!(game.races[1].orders.is_empty());
        assert_eq!(game.banish("R1"), Ok(false), "once is enough");
        assert_eq!(game.banish("nobody"), Err(GameError::UnknownRace));
    }

    #[test]
    fn banishing_all_but_one_decides_the_game_with_the_next_turn() {
        let mut game = game(2, 60);
        game.banish("R0").unwrap();
        assert_eq!(game.stage(), Stage::Created);
        game.generate(1).unwrap();
        assert_eq!(
            (game.stage(), game.winner),
            (Stage::Finished, Some(RaceId(1)))
        );
    }

    #[test]
    fn records_keep_the_best_there_ever_was() {
        let mut game = game(3, 60);
        let free = game
            .planets
            .iter()
            .position(|planet| planet.owner.is_none())
            .unwrap();
        game.planets[free].owner = Some(RaceId(0));
        game.generate(1).unwrap();
        strip(&mut game, 0);
        game.generate(2).unwrap();
        let race = &game.races[0];
        assert_eq!((race.initial_planets, race.max_planets), (1, 2));
        assert!(race.max_population > race.initial_population);
        assert_eq!(game.size_of(RaceId(0)), (0, 0));
    }
}

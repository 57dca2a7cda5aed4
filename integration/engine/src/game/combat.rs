//! Arrivals. Ships that meet others at a planet fight at once: the strongest party wins and loses
//! as many as the second strongest had; everyone else is wiped out. Equals wipe each other out.

use std::collections::BTreeMap;

use super::model::{Force, Game, Happening, Planet, PlanetId, Production, RaceId};

/// A planet taken has at least this many inhabitants: the crews settle.
const COLONISTS: u64 = 10;

type Arrivals = BTreeMap<RaceId, u64>;

impl Game {
    pub(super) fn land_fleets(&mut self) {
        let mut arrivals: BTreeMap<PlanetId, Arrivals> = BTreeMap::new();
        for fleet in self
            .fleets
            .extract_if(.., |fleet| fleet.arrives_at <= self.turn)
        {
            *arrivals
                .entry(fleet.to)
                .or_default()
                .entry(fleet.owner)
                .or_default() += fleet.ships;
        }
        for (planet, mut ships) in arrivals {
            if let Some(owner) = self.planets[planet.0].owner {
                self.planets[planet.0].ships += ships.remove(&owner).unwrap_or(0);
            }
            if !ships.is_empty() {
                self.fight(planet, &ships);
            }
        }
    }

    fn fight(&mut self, id: PlanetId, attackers: &Arrivals) {
        let planet = &mut self.planets[id.0];
        let defender = planet.owner;
        let defence = planet.ships + planet.defence;
        let mut parties: Vec<(Option<RaceId>, u64)> = attackers
            .iter()
            .map(|(race, ships)| (Some(*race), *ships))
            .collect();
        if defence > 0 {
            parties.push((defender, defence));
        }
        let (winner, left) = outcome(&parties);
        match winner {
            Some(Some(race)) if defender != Some(race) => capture(planet, race, left),
            Some(_) => endure(planet, defence - left),
            None => endure(planet, defence),
        }
        let holder = planet.owner;
        if parties.len() > 1 {
            self.record_battle(id, &parties, winner.flatten());
        }
        if holder != defender {
            self.record_capture(id, defender);
        }
    }

    fn record_battle(
        &mut self,
        planet: PlanetId,
        parties: &[(Option<RaceId>, u64)],
        winner: Option<RaceId>,
    ) {
        let name = |race: &Option<RaceId>| race.map(|race| self.name_of(race));
        let forces = parties
            .iter()
            .map(|(race, strength)| Force {
                race_name: name(race),
                strength: *strength,
            })
            .collect();
        let winner = name(&winner);
        let witnesses = parties.iter().filter_map(|(race, _)| *race).collect();
        self.record(
            Some(witnesses),
            Happening::Battle {
                planet,
                forces,
                winner,
            },
        );
    }

    fn record_capture(&mut self, planet: PlanetId, from: Option<RaceId>) {
        let Some(by) = self.planets[planet.0].owner else {
            return;
        };
        let witnesses = [Some(by), from].into_iter().flatten().collect();
        let (by, from) = (self.name_of(by), from.map(|race| self.name_of(race)));
        self.record(Some(witnesses), Happening::PlanetTaken { planet, by, from });
    }
}

/// The winner, if there is one, and what it has left.
fn outcome<P: Copy>(parties: &[(P, u64)]) -> (Option<P>, u64) {
    let strongest = parties
        .iter()
        .enumerate()
        .max_by_key(|(_, (_, strength))| *strength);
    let Some((at, &(party, strength))) = strongest else {
        return (None, 0);
    };
    let others = parties.iter().enumerate().filter(|(other, _)| *other != at);
    let second = others
        .map(|(_, (_, strength))| *strength)
        .max()
        .unwrap_or(0);
    if strength > second {
        (Some(party), strength - second)
    } else {
        (None, 0)
    }
}

fn capture(planet: &mut Planet, race: RaceId, ships: u64) {
    planet.owner = Some(race);
    planet.ships = ships;
    planet.defence = 0;
    planet.population = (planet.population / 2).max(COLONISTS);
    planet.production = Production::Ships;
    planet.stock = 0;
    planet.nickname = None;
}

/// The fixed defences take the losses first, then the ships.
fn endure(planet: &mut Planet, losses: u64) {
    let to_ships = losses.saturating_sub(planet.defence);
    planet.defence = planet.defence.saturating_sub(losses);
    planet.ships = planet.ships.saturating_sub(to_ships);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::{NewGame, RaceEntry, model::Fleet};
    use super::*;

    /// Three races; planet 0 belongs to race 0 with 6 ships and 4 defences, inhabited by 300.
    fn besieged(attackers: &[(usize, u64)]) -> Game {
        let races = ["A", "B", "C"]
            .map(|name| RaceEntry {
                race_name: name.into(),
            })
            .to_vec();
        let new = NewGame {
            game_id: Uuid::nil(),
            seed: 1,
            races,
            options: super::super::GameOptions::default(),
        };
        let mut game = Game::create(&new, 60).unwrap();
        let planet = &mut game.planets[0];
        (planet.owner, planet.ships, planet.defence) = (Some(RaceId(0)), 6, 4);
        (planet.population, planet.nickname) = (300, Some("Rock".into()));
        let to = PlanetId(0);
        let fleet = |&(owner, ships): &(usize, u64)| Fleet {
            owner: RaceId(owner),
            from: PlanetId(1),
            to,
            ships,
            left_at: 0,
            arrives_at: 0,
        };
        game.fleets = attackers.iter().map(fleet).collect();
        game.land_fleets();
        game
    }

    fn held(game: &Game) -> (Option<usize>, u64, u64) {
        let planet = &game.planets[0];
        (
            planet.owner.map(|race| race.0),
            planet.ships,
            planet.defence,
        )
    }

    #[test]
    fn a_weaker_attacker_is_wiped_out_and_costs_as_many() {
        assert_eq!(held(&besieged(&[(1, 3)])), (Some(0), 6, 1));
        assert_eq!(held(&besieged(&[(1, 9)])), (Some(0), 1, 0));
    }

    #[test]
    fn equals_leave_an_empty_planet_to_its_owner() {
        assert_eq!(held(&besieged(&[(1, 10)])), (Some(0), 0, 0));
    }

    #[test]
    fn a_stronger_attacker_takes_the_planet_and_half_its_people() {
        let game = besieged(&[(1, 12)]);
        assert_eq!(held(&game), (Some(1), 2, 0));
        assert_eq!(game.planets[0].population, 150);
        assert_eq!(game.planets[0].nickname, None);
        let both = Some(vec![RaceId(0), RaceId(1)]);
        assert!(matches!(game.events[0].what, Happening::Battle { .. }));
        assert!(matches!(game.events[1].what, Happening::PlanetTaken { .. }));
        assert_eq!(game.events[1].witnesses.as_ref().map(Vec::len), Some(2));
        let mut witnesses = game.events[0].witnesses.clone();
        witnesses.as_mut().unwrap().sort();
        assert_eq!(witnesses, both);
    }

    #[test]
    fn of_three_parties_only_the_strongest_stays() {
        assert_eq!(held(&besieged(&[(1, 12), (2, 20)])), (Some(2), 8, 0));
        assert_eq!(held(&besieged(&[(1, 20), (2, 20)])), (Some(0), 0, 0));
        assert_eq!(held(&besieged(&[(1, 4), (2, 3)])), (Some(0), 6, 0));
    }

    #[test]
    fn fleets_of_one_race_join_before_they_fight() {
        assert_eq!(held(&besieged(&[(1, 6), (1, 6)])), (Some(1), 2, 0));
        assert_eq!(held(&besieged(&[(0, 5), (1, 12)])), (Some(0), 3, 0));
    }

    proptest! {
        #[test]
        fn a_battle_never_makes_ships(ships in proptest::collection::vec((0_usize..3, 1_u64..50), 1..6)) {
            let game = besieged(&ships);
            let before: u64 = 10 + ships.iter().map(|(_, ships)| ships).sum::<u64>();
            let planet = &game.planets[0];
            prop_assert!(planet.ships + planet.defence <= before);
            prop_assert!(planet.owner.is_some());
            prop_assert!(game.fleets.is_empty());
        }
    }
}

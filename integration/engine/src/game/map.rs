//! The star map: planets scattered over a grid, one home per race as far apart as they get.

use super::{
    model::{Planet, PlanetId, Production, RaceId},
    rng::Rng,
};

/// Planets on the map for each race, its home included, unless the game's options say another number.
pub const PLANETS_PER_RACE: usize = 5;

const FEWEST_PLANETS: usize = 10;
/// Map units from one cell of the grid to the next; each cell holds at most one planet.
const CELL: u64 = 10;
const HOME_SIZE: u64 = 1000;
const HOME_POPULATION: u64 = 500;
const HOME_SHIPS: u64 = 10;
const HOME_DEFENCE: u64 = 5;

/// Draws the map for that many races; race `n` owns one planet, all homes are alike.
pub fn draw(seed: u64, races: usize, planets_per_race: usize) -> Vec<Planet> {
    let mut rng = Rng::new(seed);
    let count = (races * planets_per_race).max(FEWEST_PLANETS);
    let mut planets: Vec<Planet> = cells(&mut rng, count)
        .into_iter()
        .enumerate()
        .map(|(number, cell)| free_planet(&mut rng, number, cell))
        .collect();
    for (race, home) in homes(&mut rng, &planets, races).into_iter().enumerate() {
        settle(&mut planets[home.0], RaceId(race));
    }
    planets
}

/// The square of the distance between two planets, in map units.
pub fn distance_squared(a: &Planet, b: &Planet) -> u64 {
    a.x.abs_diff(b.x).pow(2) + a.y.abs_diff(b.y).pow(2)
}

/// Different cells of the smallest square grid that has enough of them.
fn cells(rng: &mut Rng, count: usize) -> Vec<(u64, u64)> {
    let root = (count as u64).isqrt();
    let side = if root * root < count as u64 {
        root + 1
    } else {
        root
    };
    let mut cells: Vec<_> = (0..side)
        .flat_map(|x| (0..side).map(move |y| (x, y)))
        .collect();
    rng.shuffle(&mut cells);
    cells.truncate(count);
    cells
}

fn free_planet(rng: &mut Rng, number: usize, (column, row): (u64, u64)) -> Planet {
    Planet {
        name: planet_name(rng, number),
        x: (column * CELL + rng.below(CELL)).cast_signed(),
        y: (row * CELL + rng.below(CELL)).cast_signed(),
        size: 100 + 50 * rng.below(15),
        owner: None,
        population: 0,
        ships: 0,
        defence: rng.below(5),
        production: Production::Ships,
        stock: 0,
        nickname: None,
    }
}

/// Two syllables and the planet's number, which makes it unique.
fn planet_name(rng: &mut Rng, number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "Al", "Be", "Cor", "Den", "El", "Fa", "Gal", "Hy", "Ka", "Lor", "Mi", "Nu", "Or", "Si",
        "Tau", "Ve",
    ];
    let first = SYLLABLES[rng.index(SYLLABLES.len())];
    let second = SYLLABLES[rng.index(SYLLABLES.len())].to_lowercase();
    format!("{first}{second}-{number}")
}

/// Takes a planet at random, then always the one farthest from those taken: no race starts
/// squeezed between two others while there is room elsewhere.
fn homes(rng: &mut Rng, planets: &[Planet], races: usize) -> Vec<PlanetId> {
    let mut homes = Vec::with_capacity(races);
    let mut room = vec![u64::MAX; planets.len()];
    let mut next = rng.index(planets.len());
    while homes.len() < races {
        homes.push(PlanetId(next));
        for (room, planet) in room.iter_mut().zip(planets) {
            *room = (*room).min(distance_squared(planet, &planets[next]));
        }
        next = (0..planets.len())
            .max_by_key(|&at| (room[at], planets.len() - at))
            .unwrap_or(0);
    }
    homes
}

fn settle(planet: &mut Planet, race: RaceId) {
    planet.owner = Some(race);
    planet.size = HOME_SIZE;
    planet.population = HOME_POPULATION;
    planet.ships = HOME_SHIPS;
    planet.defence = HOME_DEFENCE;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_race_has_one_home_like_the_others(seed: u64, races in 1_usize..60) {
            let planets = draw(seed, races, PLANETS_PER_RACE);
            for race in 0..races {
                let owned: Vec<_> =
                    planets.iter().filter(|planet| planet.owner == Some(RaceId(race))).collect();
                prop_assert_eq!(owned.len(), 1);
                prop_assert_eq!((owned[0].size, owned[0].population), (HOME_SIZE, HOME_POPULATION));
            }
        }

        #[test]
        fn no_two_planets_share_a_place_or_a_name(seed: u64, races in 1_usize..60) {
            let planets = draw(seed, races, PLANETS_PER_RACE);
            let places: BTreeSet<_> = planets.iter().map(|planet| (planet.x, planet.y)).collect();
            let names: BTreeSet<_> = planets.iter().map(|planet| &planet.name).collect();
            prop_assert_eq!(places.len(), planets.len());
            prop_assert_eq!(names.len(), planets.len());
        }
    }

    #[test]
    fn a_seed_draws_its_own_map() {
        assert_eq!(draw(1, 4, PLANETS_PER_RACE), draw(1, 4, PLANETS_PER_RACE));
        assert_ne!(draw(1, 4, PLANETS_PER_RACE), draw(2, 4, PLANETS_PER_RACE));
    }

    #[test]
    fn two_homes_are_not_neighbours() {
        for seed in 0..50 {
            let planets = draw(seed, 2, PLANETS_PER_RACE);
            let homes: Vec<_> = planets
                .iter()
                .filter(|planet| planet.owner.is_some())
                .collect();
            assert!(
                distance_squared(homes[0], homes[1]) > CELL * CELL,
                "seed {seed}"
            );
        }
    }
}

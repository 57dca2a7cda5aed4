//! How long a turn of a large game takes: 200 players, 1,000 planets, everyone attacking.
//! `cargo run -p galaxy-engine --example large_turn`

use std::{
    io::{self, Write},
    time::Instant,
};

use galaxy_engine::{
    engine::Engine,
    game::{GameOptions, NewGame, Order, RaceEntry},
    store::StateDir,
};
use uuid::Uuid;

fn main() -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("large-turn-{}", std::process::id()));
    let engine = Engine::open(StateDir::open(&dir)?, 60)?;
    let races = (0..200)
        .map(|n| RaceEntry {
            race_name: format!("Race {n}"),
        })
        .collect();
    let players = engine
        .init(&NewGame {
            game_id: Uuid::nil(),
            seed: 1,
            races,
            options: GameOptions::default(),
        })?
        .players;
    let mut out = io::stdout().lock();
    for turn in 0..30 {
        let start = Instant::now();
        for player in &players {
            // A race that is out is refused, which takes its time as well.
            let report = engine.report(player.player_id, turn)?;
            let _ = engine.order(player.player_id, attacks(&report, turn));
        }
        let ordering = start.elapsed();
        let start = Instant::now();
        let status = engine.generate(turn + 1)?;
        let active = status.players.iter().filter(|player| player.active).count();
        writeln!(
            out,
            "turn {:>2}: generated in {:.1?}; 200 reports and orders in {ordering:.1?}; {active} races",
            status.turn,
            start.elapsed(),
        )?;
    }
    drop(engine);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Half of each garrison to some planet.
fn attacks(report: &galaxy_engine::game::Report, turn: u32) -> Vec<Order> {
    use galaxy_engine::game::{PlanetId, Sight};
    let own = report
        .planets
        .iter()
        .filter_map(|planet| match planet.sight {
            Sight::Own { ships, .. } => Some((planet.planet, ships)),
            _ => None,
        });
    own.map(|(from, ships)| {
        let to = PlanetId((from.0 * 7 + turn as usize * 13 + 1) % report.planets.len());
        Order::SendShips {
            from,
            to,
            ships: ships / 2,
        }
    })
    .collect()
}

//! A game under way: turns are played one after the other, and each is asked for once, whatever happens to the platform.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use galaxy_scenarios::{Admin, Player, Table, eventually};
use galaxy_stack::StackFile;
use serde_json::Value;

const RACES: [&str; 3] = ["Terrans", "Vegans", "Marsians"];
/// How long an operator repeats a call that `api` does not take, since it restarts.
const RESTART_WITHIN: Duration = Duration::from_mins(2);

pub struct Game {
    table: Table,
    pub admin: Admin,
    turn: u64,
}

impl Game {
    /// Opens a game, seats the players and starts it.
    pub async fn start(file: &StackFile, players: Vec<Player>) -> Result<Self> {
        let mut table = Table::open(players, "A game on Compose").await?;
        table.seat_all(&RACES).await?;
        table.start().await?;
        Ok(Self {
            table,
            admin: Admin::new(file),
            turn: 0,
        })
    }

    pub fn players(&self) -> &[Player] {
        &self.table.players
    }

    /// Turns that were played.
    pub fn turns(&self) -> u64 {
        self.turn
    }

    /// Waits until each player's stream of events was interrupted and is there again.
    pub async fn resynced(&self) -> Result<()> {
        for player in &self.table.players {
            player.resynced().await?;
        }
        Ok(())
    }

    /// Every player orders and the next turn is generated; each gets its event, and no other turn's before it.
    pub async fn play(&mut self, turns: u64) -> Result<()> {
        for _ in 0..turns {
            for seat in 0..self.table.players.len() {
                let orders = Table::expand(&self.table.report(seat, self.turn).await?);
                if orders.as_array().is_some_and(|orders| !orders.is_empty()) {
                    self.table.order(seat, orders).await?;
                }
            }
            let next = self.turn + 1;
            self.force(next).await?;
            for player in &self.table.players {
                next_turn_is(player, next).await?;
            }
            self.turn = next;
        }
        Ok(())
    }

    /// Has a turn generated. A call whose answer was lost may have been taken: it is repeated only if it was not.
    async fn force(&self, turn: u64) -> Result<()> {
        eventually(
            &format!("turn {turn} is asked for"),
            RESTART_WITHIN,
            async || {
                let Ok(operations) = self.operations("turn").await else {
                    return Ok(None);
                };
                if operations.len() as u64 >= turn {
                    return Ok(Some(()));
                }
                Ok(self.table.force(&self.admin).await.ok())
            },
        )
        .await
    }

    /// The start and each turn are one operation that succeeded.
    pub async fn turns_ran_once(&self) -> Result<()> {
        for (name, number) in [("start", 1), ("turn", self.turn)] {
            let operations = self.operations(name).await?;
            let succeeded = operations.iter().filter(|op| op["status"] == "succeeded");
            ensure!(
                operations.len() as u64 == number && succeeded.count() as u64 == number,
                "{number} of {name}: {operations:?}"
            );
        }
        let game = self.table.game().await?;
        ensure!(game["current_turn"] == self.turn, "the lobby shows {game}");
        Ok(())
    }

    async fn operations(&self, name: &str) -> Result<Vec<Value>> {
        let path = format!("/runtimes/{}/operations?limit=100", self.table.game_id);
        let list = self.admin.get(&path).await?;
        let all = list["items"].as_array().context("a list of operations")?;
        Ok(all.iter().filter(|op| op["op"] == name).cloned().collect())
    }
}

async fn next_turn_is(player: &Player, turn: u64) -> Result<()> {
    let wanted = format!("turn {turn} is ready");
    let (event, _) = player
        .event(&wanted, |event| event.kind == "game.turn_ready")
        .await?;
    ensure!(
        event.payload["turn"] == turn,
        "{} waited for turn {turn} and got {}",
        player.name,
        event.payload
    );
    Ok(())
}

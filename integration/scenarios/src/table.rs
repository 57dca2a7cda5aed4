//! A game and its players, from its creation to the last turn.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use galaxy_client::{Call, Event};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{Admin, Player, eventually};

/// A game; its owner is the first of the players.
pub struct Table {
    pub game_id: String,
    /// The owner first.
    pub players: Vec<Player>,
    /// From the answer of a call to the arrival of its event, in milliseconds.
    pub latencies_ms: Vec<f64>,
}

impl Table {
    /// The owner, the first of `players`, creates a public game and opens its enrollment.
    pub async fn open(players: Vec<Player>, name: &str) -> Result<Self> {
        Self::open_on(players, name, None).await
    }

    /// The same, to be played with this engine version; `None` is the newest.
    pub async fn open_on(players: Vec<Player>, name: &str, version: Option<&str>) -> Result<Self> {
        let owner = players.first().context("a game needs an owner")?;
        let game = owner
            .call(Call::new("create_game").body(json!({
                "game_name": name,
                "description": "A game of the local stack.",
                "visibility": "public",
                "min_players": 2,
                "max_players": 8,
                "enrollment_ends_at": in_an_hour(),
                "turn_schedule": "0 0 1 1 *",
                "target_engine_version": version,
            })))
            .await?;
        let game_id = game["game_id"]
            .as_str()
            .context("the game has no game_id")?
            .to_owned();
        owner
            .call(Call::new("open_enrollment").path("game_id", &game_id))
            .await?;
        Ok(Self {
            game_id,
            players,
            latencies_ms: vec![],
        })
    }

    /// Each player applies with a race, the owner approves each.
    pub async fn seat_all(&mut self, races: &[&str]) -> Result<()> {
        for seat in 0..self.players.len() {
            self.seat(seat, races.get(seat).context("a race for each player")?)
                .await?;
        }
        Ok(())
    }

    /// The player of `seat` applies with `race`, the owner approves; both get their events.
    pub async fn seat(&mut self, seat: usize, race: &str) -> Result<()> {
        let application = self.apply(seat, race).await?;
        self.decide(seat, &application, "approve").await
    }

    /// The player of `seat` applies and is rejected, `rounds` times: two events each, to measure their latency.
    pub async fn apply_and_be_rejected(
        &mut self,
        seat: usize,
        race: &str,
        rounds: usize,
    ) -> Result<()> {
        for _ in 0..rounds {
            let application = self.apply(seat, race).await?;
            self.decide(seat, &application, "reject").await?;
        }
        Ok(())
    }

    /// Applies; returns the application's id once the owner got the event.
    async fn apply(&mut self, seat: usize, race: &str) -> Result<String> {
        let (owner, player) = (&self.players[0], &self.players[seat]);
        let apply = Call::new("submit_application").path("game_id", &self.game_id);
        let application = player
            .call(apply.body(json!({ "race_name": race })))
            .await?;
        let answered = Instant::now();
        let id = application["application_id"]
            .as_str()
            .context("no application_id")?
            .to_owned();
        let arrived = application_event(owner, "lobby.application.submitted", &id).await?;
        self.latencies_ms.push(milliseconds(answered, arrived));
        Ok(id)
    }

    /// The owner decides, `approve` or `reject`; returns once the applicant got the event.
    async fn decide(&mut self, seat: usize, application: &str, decision: &str) -> Result<()> {
        let (owner, player) = (&self.players[0], &self.players[seat]);
        let call = Call::new(format!("{decision}_application"))
            .path("game_id", &self.game_id)
            .path("application_id", application);
        owner.call(call).await?;
        let answered = Instant::now();
        let kind = if decision == "approve" {
            "lobby.application.approved"
        } else {
            "lobby.application.rejected"
        };
        let arrived = application_event(player, kind, application).await?;
        self.latencies_ms.push(milliseconds(answered, arrived));
        Ok(())
    }

    /// Ends enrollment, starts the game and waits until every player got the event that it runs.
    pub async fn start(&self) -> Result<()> {
        let owner = &self.players[0];
        owner
            .call(Call::new("ready_to_start").path("game_id", &self.game_id))
            .await?;
        owner
            .call(Call::new("start_game").path("game_id", &self.game_id))
            .await?;
        for player in &self.players {
            player
                .event("the game started", |event| {
                    event.kind == "lobby.game.started"
                })
                .await?;
        }
        Ok(())
    }

    /// The game as its owner sees it.
    pub async fn game(&self) -> Result<Value> {
        self.players[0]
            .call(Call::new("get_game").path("game_id", &self.game_id))
            .await
    }

    /// What the player of `seat` sees of `turn`.
    pub async fn report(&self, seat: usize, turn: u64) -> Result<Value> {
        let call = Call::new("get_report")
            .path("game_id", &self.game_id)
            .path("turn", turn);
        self.players[seat].call(call).await
    }

    /// Sends orders for the next turn.
    pub async fn order(&self, seat: usize, orders: Value) -> Result<Value> {
        let call = Call::new("post_orders")
            .path("game_id", &self.game_id)
            .body(json!({ "orders": orders }));
        self.players[seat].call(call).await
    }

    /// Orders of a simple strategy: half of the home's ships go to the nearest planet that is not one's own.
    pub fn expand(report: &Value) -> Value {
        let planets = report["planets"].as_array().cloned().unwrap_or_default();
        let Some(from) = planets
            .iter()
            .filter(|planet| planet["visibility"] == "own")
            .max_by_key(|planet| planet["ships"].as_u64().unwrap_or(0))
        else {
            return json!([]);
        };
        let ships = from["ships"].as_u64().unwrap_or(0) / 2;
        let distance = |planet: &Value| {
            let along =
                |axis: &str| planet[axis].as_i64().unwrap_or(0) - from[axis].as_i64().unwrap_or(0);
            along("x").pow(2) + along("y").pow(2)
        };
        let target = planets
            .iter()
            .filter(|planet| planet["visibility"] != "own")
            .min_by_key(|planet| distance(planet));
        match target {
            Some(target) if ships > 0 => {
                json!([{ "type": "send_ships", "from": from["planet"], "to": target["planet"], "ships": ships }])
            }
            _ => json!([]),
        }
    }

    /// An operator has the next turn generated; waits until every player got the event.
    pub async fn force_turn(&self, admin: &Admin, turn: u64) -> Result<()> {
        self.force(admin).await?;
        self.await_turn(turn).await
    }

    /// An operator has the next turn generated.
    pub async fn force(&self, admin: &Admin) -> Result<()> {
        admin
            .post(&format!("/runtimes/{}/force-next-turn", self.game_id), None)
            .await?;
        Ok(())
    }

    /// Waits until every player got the event that `turn` is ready.
    pub async fn await_turn(&self, turn: u64) -> Result<()> {
        for player in &self.players {
            player
                .event(&format!("turn {turn} is ready"), |event| {
                    event.kind == "game.turn_ready" && event.payload["turn"] == turn
                })
                .await?;
        }
        Ok(())
    }

    /// Waits until the lobby shows `field` of the game as `value`.
    pub async fn shows(&self, field: &str, value: impl Into<Value>) -> Result<Value> {
        let value = value.into();
        eventually(
            &format!("the game shows {field} {value}"),
            Duration::from_secs(30),
            async || {
                let game = self.game().await?;
                Ok((game[field] == value).then_some(game))
            },
        )
        .await
    }
}

/// The arrival of the event `kind` about an application at `player`.
async fn application_event(player: &Player, kind: &str, application: &str) -> Result<Instant> {
    let wanted =
        |event: &Event| event.kind == kind && event.payload["application_id"] == application;
    Ok(player.event(kind, wanted).await?.1)
}

/// From the answer to the event; an event that overtook the answer counts as 0.
fn milliseconds(answered: Instant, arrived: Instant) -> f64 {
    arrived.saturating_duration_since(answered).as_secs_f64() * 1_000.0
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stack runs on the system clock too"
)]
fn in_an_hour() -> String {
    Timestamp::now()
        .saturating_add(SignedDuration::from_hours(1))
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

//! Calls of a player through `api`, against the same calls to the engine itself, one after the other in turn.

use anyhow::{Context, Result};
use axum::http::{HeaderValue, Method};
use galaxy_core::{GameId, UserId};
use galaxy_runtime::{engine::EngineAddress, players, records};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{Options, games, host::Host};
use crate::{
    figures::{Figures, median},
    goal::AtMost,
    replica::replica,
    server::{Call, Server, get},
};

/// A player of a game that runs, and both ways to the engine.
struct Seat {
    api: Server,
    engine: Server,
    game: GameId,
    user: UserId,
    player: Uuid,
    address: EngineAddress,
}

pub async fn run(host: &Host, served: &Handle, options: &Options) -> Result<()> {
    let seat = Seat::take(host, served).await?;
    let report = seat
        .engine
        .send(seat.directly(Method::GET, &seat.report_path(), None))
        .await?;
    let planet = &report["planets"]
        .as_array()
        .and_then(|planets| planets.iter().find(|planet| planet["visibility"] == "own"))
        .context("the report shows no planet of one's own")?["planet"];
    let commands = json!([{ "type": "set_production", "planet": planet, "production": "ships" }]);
    let orders = json!([]);
    for (name, path, list) in [
        ("commands", "/api/v1/command", Some(("commands", commands))),
        ("orders", "/api/v1/order", Some(("orders", orders))),
        ("reports", "", None),
    ] {
        let mut rounds = vec![];
        for round in 0..=options.rounds {
            let (mut ours, mut theirs) = (vec![], vec![]);
            for _ in 0..options.calls {
                let (through, direct) = match &list {
                    Some((field, items)) => (
                        seat.through(Method::POST, field, Some(json!({ *field: items }))),
                        seat.directly(
                            Method::PUT,
                            path,
                            Some(json!({ "player_id": seat.player, *field: items })),
                        ),
                    ),
                    None => (
                        seat.through(Method::GET, "reports/0", None),
                        seat.directly(Method::GET, &seat.report_path(), None),
                    ),
                };
                ours.push(seat.api.time(through).await?);
                theirs.push(seat.engine.time(direct).await?);
            }
            if round > 0 {
                rounds.push((
                    Figures::of(&ours).percentile(50),
                    Figures::of(&theirs).percentile(50),
                ));
            }
        }
        print(name, &rounds)?;
    }
    Ok(())
}

fn print(name: &str, rounds: &[(f64, f64)]) -> Result<()> {
    let of = |part: fn(&(f64, f64)) -> f64| median(rounds.iter().map(part));
    AtMost {
        name: &format!("{name} through api, over calling the engine, median"),
        value: of(|(ours, theirs)| ours - theirs),
        limit: 2.0,
        unit: "ms",
    }
    .print(&format!(
        "{:.2} ms against {:.2} ms, ratio {:.2}",
        of(|(ours, _)| *ours),
        of(|(_, theirs)| *theirs),
        of(|(ours, theirs)| ours / theirs)
    ))
}

impl Seat {
    async fn take(host: &Host, served: &Handle) -> Result<Self> {
        let game = games::make(&host.db, 1).await?.remove(0);
        games::start(host, &game).await?;
        let user = game.players[0];
        let mut connection = host.db.acquire().await?;
        let record = records::get(&mut connection, game.id).await?;
        let address = record.and_then(|record| record.engine());
        let address = address.context("the engine is not to be reached")?;
        let seat = players::seat(&mut connection, game.id, user).await?;
        let api = replica(served, &host.database_url, None).await?;
        Ok(Self {
            api: Server::of(served, api.router).await?,
            engine: Server::at(address.endpoint.authority().parse()?),
            game: game.id,
            user,
            player: seat.context("the player has no seat")?.mapping.player_id,
            address,
        })
    }

    fn report_path(&self) -> String {
        format!("/api/v1/report?player_id={}&turn=0", self.player)
    }

    /// As a gateway calls `api`.
    fn through(&self, method: Method, path: &str, body: Option<Value>) -> Call {
        let call = get(&format!("/api/v1/user/games/{}/{path}", self.game));
        let headers = [("x-user-id", self.user.to_string())];
        with(call, method, body, &headers)
    }

    /// As `api` calls the engine.
    fn directly(&self, method: Method, path: &str, body: Option<Value>) -> Call {
        let token = self.address.token.as_ref();
        let token = token.map_or("", |token| token.reveal());
        let headers = [
            ("x-galaxy-game-id", self.game.to_string()),
            ("authorization", format!("Bearer {token}")),
        ];
        with(get(path), method, body, &headers)
    }
}

fn with(
    mut call: Call,
    method: Method,
    body: Option<Value>,
    headers: &[(&'static str, String)],
) -> Call {
    *call.method_mut() = method;
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            call.headers_mut().insert(*name, value);
        }
    }
    if let Some(body) = body {
        let json = HeaderValue::from_static("application/json");
        call.headers_mut().insert("content-type", json);
        *call.body_mut() = body.to_string().into();
    }
    call
}

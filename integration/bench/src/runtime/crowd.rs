//! A node with many engines that all run: their records, a driver that lists them, and one server that answers for all.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::{Router, http::header::CONNECTION, routing::get};
use galaxy_core::{Endpoint, GameId};
use galaxy_drivers::{Instance, Node, Sight};
use galaxy_http::serve::{self, Bound};
use galaxy_runtime_manager::{Manager, node};
use galaxy_service::Process;
use galaxy_stack::naming;
use galaxy_store::Db;
use tokio::runtime::Handle;

use super::{Options, games, host, listing::Lists};
use crate::{database, threads};

const DATABASE: &str = "bench_runtime_crowd";
const NODE: &str = "bench-crowd";

/// The node.
pub struct Crowd {
    pub manager: Manager,
    pub db: Db,
    server_url: String,
    process: Process,
}

impl Crowd {
    /// Writes the records, of games that run, into a fresh database.
    pub async fn make(options: &Options, served: &Handle) -> Result<Self> {
        database::make(&options.postgres_url, DATABASE).await?;
        let url = naming(&options.postgres_url, DATABASE);
        let (count, server_url) = (options.engines, options.postgres_url.clone());
        threads::on(served, async move {
            let process = host::process();
            let db = host::connect(&url, &process).await?;
            let port = serve(&process).await?;
            let engines = (0..count).map(|n| engine(n, port));
            let engines: Vec<(GameId, Sight)> = engines.collect::<Result<_>>()?;
            let driver = Lists {
                node: Node {
                    id: NODE.to_owned(),
                    name: NODE.to_owned(),
                    driver: "docker",
                },
                clock: process.clock.clone(),
                engines: engines.clone(),
            };
            let config = host::config([("BACKEND_POSTGRES_URL", url)])?;
            let manager = Manager::new(&process, db.clone(), driver, &config);
            node::register(&manager).await?;
            host::offer(&db, &process.clock, "bench/engine:1").await?;
            write(&db, &engines).await?;
            Ok(Self {
                manager,
                db,
                server_url,
                process,
            })
        })
        .await
    }

    /// Removes the database.
    pub async fn remove(self) -> Result<()> {
        self.process.tasks.shut_down(host::DRAIN).await;
        self.db.pool().close().await;
        database::remove(&self.server_url, DATABASE).await
    }
}

/// Answers probes on all addresses of the loopback network; gives the port. Each connection is closed, since this process has
/// both ends of it and not as many files as that would take.
async fn serve(process: &Process) -> Result<u16> {
    let router = Router::new().route("/healthz", get(|| async { [(CONNECTION, "close")] }));
    let bound = Bound::bind("the engines", SocketAddr::from(([0, 0, 0, 0], 0))).await?;
    let port = bound.address.port();
    let limits = serve::Limits {
        connections: 1 << 16,
        ..serve::Limits::default()
    };
    serve::spawn(&process.tasks, "engines", bound, router, &limits);
    Ok(port)
}

/// The engine of number `n`, which has an address of its own.
fn engine(n: usize, port: u16) -> Result<(GameId, Sight)> {
    let host = format!("127.{}.{}.{}", 1 + n / 62_500, n / 250 % 250, 1 + n % 250);
    let game = GameId::generate();
    let instance = Instance {
        container_id: format!("bench-{n}"),
        endpoint: Endpoint::new(&host, port).context("too many engines")?,
        epoch: 1,
        digest: format!("sha256:{:064x}", 1),
        version: "0.1.0".to_owned(),
    };
    Ok((game, Sight::Running(instance)))
}

async fn write(db: &Db, engines: &[(GameId, Sight)]) -> Result<()> {
    let games: Vec<GameId> = engines.iter().map(|(game, _)| *game).collect();
    let owner = games::account(db).await?;
    games::insert(db, &games, owner, "running").await?;
    let (mut ids, mut containers, mut endpoints) = (vec![], vec![], vec![]);
    for (game, sight) in engines {
        if let Sight::Running(instance) = sight {
            ids.push(game.uuid());
            containers.push(instance.container_id.clone());
            endpoints.push(instance.endpoint.to_string());
        }
    }
    sqlx::query(RECORDS)
        .bind(&ids)
        .bind(&containers)
        .bind(&endpoints)
        .bind(NODE)
        .execute(db.pool())
        .await?;
    for statement in ["vacuum analyze", "checkpoint"] {
        sqlx::query(statement).execute(db.pool()).await?;
    }
    Ok(())
}

const RECORDS: &str = "
insert into backend.runtime_records
    (game_id, game_name, node_id, epoch, current_container_id, status, image_ref, image_digest, engine_version, endpoint,
     engine_token, seed, turn_schedule, current_turn, next_turn_at, engine_health, started_at, last_observed_at)
select game, 'A game of the bench', $4, 1, container, 'running', 'bench/engine:1', 'sha256:' || repeat('1', 64), '0.1.0',
    endpoint, repeat('t', 43), 1, '0 0 1 1 *', 7, now() + interval '300 days', 'healthy', now(), now()
from unnest($1::uuid[], $2::text[], $3::text[]) e (game, container, endpoint)";

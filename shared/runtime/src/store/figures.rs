//! Figures over all runtimes, for metrics.

use galaxy_core::{EngineHealth, RuntimeStatus, Timestamp};
use galaxy_store::{Db, Result};
use jiff::SignedDuration;
use sqlx::PgConnection;

/// A turn that is not generated this long after it was due is overdue. A turn usually takes seconds.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What is read at once.
#[derive(Debug)]
pub struct Figures {
    /// The engines that are or may be somewhere, by node and state.
    pub engines: Vec<EngineCount>,
    /// The nodes by state.
    pub nodes: NodeCount,
    /// The turns that are late.
    pub overdue: OverdueTurns,
}

/// Reads all figures as of `now`.
pub async fn read(db: &Db, now: Timestamp) -> Result<Figures> {
    let mut connection = db.acquire().await?;
    Ok(Figures {
        engines: engines(&mut connection).await?,
        nodes: nodes(&mut connection).await?,
        overdue: overdue_turns(&mut connection, now).await?,
    })
}

/// The engines of one node that are in the same state.
#[derive(Debug, PartialEq, Eq)]
pub struct EngineCount {
    /// Name of the node.
    pub node: String,
    /// Of the runtimes.
    pub status: RuntimeStatus,
    /// What their probes last found.
    pub health: EngineHealth,
    /// How many.
    pub engines: i64,
}

/// The condition is that of the index by node.
#[tracing::instrument(name = "db.runtime.count_engines", level = "debug", skip_all)]
async fn engines(connection: &mut PgConnection) -> Result<Vec<EngineCount>> {
    Ok(sqlx::query_as!(
        EngineCount,
        r#"select n.name as node, r.status as "status: RuntimeStatus", r.engine_health as "health: EngineHealth",
               count(*) as "engines!"
           from backend.runtime_records r join backend.runtime_nodes n on n.node_id = r.node_id
           where r.current_container_id is not null or r.finished_at is null
           group by n.name, r.status, r.engine_health"#
    )
    .fetch_all(connection)
    .await?)
}

/// How many nodes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeCount {
    /// That take new engines.
    pub live: i64,
    /// That live and take no new ones.
    pub draining: i64,
    /// That nobody has heard of for a while.
    pub lost: i64,
}

#[tracing::instrument(name = "db.runtime.count_nodes", level = "debug", skip_all)]
async fn nodes(connection: &mut PgConnection) -> Result<NodeCount> {
    Ok(sqlx::query_as!(
        NodeCount,
        r#"select count(*) filter (where lost_at is null and not draining) as "live!",
               count(*) filter (where lost_at is null and draining) as "draining!",
               count(*) filter (where lost_at is not null) as "lost!"
           from backend.runtime_nodes"#
    )
    .fetch_one(connection)
    .await?)
}

/// Turns that are late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OverdueTurns {
    /// How many, counted up to 100,000.
    pub turns: u64,
    /// How long the oldest has been due; zero if there is none.
    pub oldest: SignedDuration,
}

/// The turns that were due two minutes ago and are not generated: those that no scheduler has queued, and those that are queued
/// or under way.
#[tracing::instrument(name = "db.runtime.overdue_turns", level = "debug", skip_all)]
async fn overdue_turns(connection: &mut PgConnection, now: Timestamp) -> Result<OverdueTurns> {
    let row = sqlx::query!(
        r#"select count(*) as "turns!", min(due) as "oldest: Timestamp" from (
               (select next_turn_at as due from backend.runtime_records
                where next_turn_at < $1 order by next_turn_at limit 100000)
               union all
               (select created_at from backend.runtime_operation_log
                where op = 'turn' and status in ('queued', 'running') and created_at < $1 limit 100000)) late"#,
        now - OVERDUE_AFTER,
    )
    .fetch_one(connection)
    .await?;
    let age = row.oldest.map(|due| now.duration_since(due));
    Ok(OverdueTurns {
        turns: row.turns.unsigned_abs(),
        oldest: age.unwrap_or_default(),
    })
}

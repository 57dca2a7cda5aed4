//! `runtime_nodes` and `deployment`.

use galaxy_core::{LeaseToken, Timestamp};
use galaxy_store::{Db, Result};
use jiff::SignedDuration;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{NewNode, Node};

/// Writes whose engines these are, at the first start; gives what is written.
#[tracing::instrument(name = "db.runtime.claim_deployment", skip_all)]
pub async fn claim_deployment(connection: &mut PgConnection, id: &str) -> Result<String> {
    sqlx::query!(
        "insert into backend.deployment (deployment_id) values ($1) on conflict do nothing",
        id,
    )
    .execute(&mut *connection)
    .await?;
    Ok(
        sqlx::query_scalar!("select deployment_id from backend.deployment")
            .fetch_one(connection)
            .await?,
    )
}

/// Says that a runtime manager of the node is alive. Gives whether the node had been lost.
#[tracing::instrument(name = "db.runtime.beat", level = "debug", skip_all)]
pub async fn beat(connection: &mut PgConnection, node: &NewNode, now: Timestamp) -> Result<bool> {
    let was_lost = sqlx::query_scalar!(
        r#"with before as (select lost_at from backend.runtime_nodes where node_id = $1)
           insert into backend.runtime_nodes (node_id, driver, name, capacity, heartbeat_at, created_at)
           values ($1, $2, $3, $4, $5, $5)
           on conflict (node_id) do update
           set driver = excluded.driver, name = excluded.name, capacity = excluded.capacity,
               heartbeat_at = greatest(runtime_nodes.heartbeat_at, excluded.heartbeat_at), lost_at = null
           returning coalesce((select lost_at is not null from before), false) as "was_lost!""#,
        node.node_id,
        node.driver,
        node.name,
        super::int(node.capacity),
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(was_lost)
}

/// Whether the node takes another engine: it is not draining, and below its capacity. The second condition on records is that
/// of their index.
#[tracing::instrument(name = "db.runtime.node_has_room", level = "debug", skip_all)]
pub async fn has_room(connection: &mut PgConnection, node: &str) -> Result<bool> {
    let room = sqlx::query_scalar!(
        r#"select not n.draining and (n.capacity = 0 or n.capacity > (
               select count(*) from backend.runtime_records r
               where r.node_id = n.node_id and r.current_container_id is not null
                 and (r.current_container_id is not null or r.finished_at is null))) as "room!"
           from backend.runtime_nodes n where n.node_id = $1"#,
        node,
    )
    .fetch_optional(connection)
    .await?;
    Ok(room.unwrap_or(true))
}

/// Takes or renews the watch over a node; `false` if another process has it. `token` is this process's own.
#[tracing::instrument(name = "db.runtime.lease_node", level = "debug", skip_all)]
pub async fn lease(
    db: &Db,
    node: &str,
    owner: &str,
    token: LeaseToken,
    span: SignedDuration,
    now: Timestamp,
) -> Result<bool> {
    let mut connection = db.acquire().await?;
    let rows = sqlx::query!(
        "update backend.runtime_nodes set lease_owner = $2, lease_token = $3, lease_expires_at = $4
         where node_id = $1 and (lease_token is null or lease_token = $3 or lease_expires_at < $5)",
        node,
        owner,
        token.uuid(),
        now + span,
        now,
    )
    .execute(&mut *connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Gives the watch over a node up.
#[tracing::instrument(name = "db.runtime.release_node", skip_all)]
pub async fn release(db: &Db, node: &str, token: LeaseToken) -> Result<()> {
    let mut connection = db.acquire().await?;
    sqlx::query!(
        "update backend.runtime_nodes set lease_owner = null, lease_token = null, lease_expires_at = null
         where node_id = $1 and lease_token = $2",
        node,
        token.uuid(),
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Notes that all engines of the node were listed.
#[tracing::instrument(name = "db.runtime.note_listed", level = "debug", skip_all)]
pub async fn note_listed(connection: &mut PgConnection, node: &str, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.runtime_nodes set listed_at = $2 where node_id = $1",
        node,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks nodes that were last heard of before `before` as lost; gives those that were not lost before.
#[tracing::instrument(name = "db.runtime.mark_lost_nodes", level = "debug", skip_all)]
pub(crate) async fn mark_lost(
    connection: &mut PgConnection,
    before: Timestamp,
    now: Timestamp,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "update backend.runtime_nodes set lost_at = $2 where heartbeat_at < $1 and lost_at is null
         returning node_id",
        before,
        now,
    )
    .fetch_all(connection)
    .await?)
}

/// Games on the node whose engine is to be there and that do not say yet that their host is lost.
#[tracing::instrument(name = "db.runtime.games_to_mark_lost", skip_all)]
pub(crate) async fn games_to_mark_lost(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<galaxy_core::GameId>> {
    let games: Vec<Uuid> = sqlx::query_scalar!(
        "select r.game_id from backend.runtime_records r join backend.runtime_nodes n using (node_id)
         where n.lost_at is not null and r.engine_health <> 'host_lost' and r.finished_at is null
           and r.status in ('running', 'generation_in_progress', 'generation_failed', 'engine_unreachable', 'paused')
           and (r.current_container_id is not null or r.finished_at is null)
         order by r.game_id limit $1",
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(games.into_iter().map(galaxy_core::GameId::from).collect())
}

/// Lets a node take new engines, or not; `false` if there is no such node.
#[tracing::instrument(name = "db.runtime.set_draining", skip_all)]
pub async fn set_draining(
    connection: &mut PgConnection,
    node: &str,
    draining: bool,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_nodes set draining = $2 where node_id = $1",
        node,
        draining,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

macro_rules! select {
    ($tail:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"select n.node_id, n.driver, n.name, n.capacity, n.heartbeat_at, n.listed_at, n.lost_at, n.draining,
                   n.lease_owner, n.created_at,
                   (select count(*) from backend.runtime_records r
                    where r.node_id = n.node_id and r.current_container_id is not null
                      and (r.current_container_id is not null or r.finished_at is null)) as "engines!"
               from backend.runtime_nodes n "# + $tail
            $(, $argument)*
        )
    };
}

struct Row {
    node_id: String,
    driver: String,
    name: String,
    capacity: i32,
    heartbeat_at: Timestamp,
    listed_at: Option<Timestamp>,
    lost_at: Option<Timestamp>,
    draining: bool,
    lease_owner: Option<String>,
    created_at: Timestamp,
    engines: i64,
}

impl From<Row> for Node {
    fn from(row: Row) -> Self {
        Self {
            node_id: row.node_id,
            driver: row.driver,
            name: row.name,
            capacity: super::uint(row.capacity),
            engines: u32::try_from(row.engines).unwrap_or(u32::MAX),
            heartbeat_at: row.heartbeat_at,
            listed_at: row.listed_at,
            lost_at: row.lost_at,
            draining: row.draining,
            watched_by: row.lease_owner,
            created_at: row.created_at,
        }
    }
}

/// One node.
#[tracing::instrument(name = "db.runtime.node", skip_all)]
pub async fn get(connection: &mut PgConnection, node: &str) -> Result<Option<Node>> {
    let row = select!("where n.node_id = $1", node)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Node::from))
}

/// All nodes, by name; at most 1,000 are given.
#[tracing::instrument(name = "db.runtime.nodes", skip_all)]
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Node>> {
    let rows = select!("order by n.name, n.node_id limit 1000")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Node::from).collect())
}

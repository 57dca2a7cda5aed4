//! `runtime_records`: reading, listing and writing back.

use galaxy_core::{Cursor, EngineHealth, GameId, Limit, Page, RuntimeStatus, Timestamp};
use galaxy_store::{ListError, Result};
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};

use super::uint;
use crate::model::{EngineToken, Record};

struct Row {
    game_id: GameId,
    game_name: String,
    node_id: Option<String>,
    epoch: i64,
    current_container_id: Option<String>,
    status: RuntimeStatus,
    image_ref: Option<String>,
    image_digest: Option<String>,
    engine_name: String,
    engine_version: Option<String>,
    endpoint: Option<String>,
    engine_token: Option<String>,
    seed: Option<i64>,
    options: Value,
    turn_schedule: String,
    time_zone: String,
    current_turn: i32,
    next_turn_at: Option<Timestamp>,
    skip_next_tick: bool,
    engine_health: EngineHealth,
    missing_readings: i32,
    missing_since: Option<Timestamp>,
    exit_code: Option<i32>,
    oom_killed: bool,
    restarts: i32,
    restarted_at: Option<Timestamp>,
    last_error: Option<String>,
    version: i64,
    started_at: Option<Timestamp>,
    paused_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    last_observed_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for Record {
    fn from(row: Row) -> Self {
        Self {
            game_id: row.game_id,
            game_name: row.game_name,
            node_id: row.node_id,
            epoch: row.epoch,
            container_id: row.current_container_id,
            status: row.status,
            image_ref: row.image_ref,
            image_digest: row.image_digest,
            engine_name: row.engine_name,
            engine_version: row.engine_version,
            endpoint: row.endpoint.and_then(|text| text.parse().ok()),
            engine_token: row.engine_token.map(EngineToken::stored),
            seed: row.seed.unwrap_or(0),
            options: object(row.options),
            turn_schedule: row.turn_schedule,
            time_zone: row.time_zone,
            current_turn: uint(row.current_turn),
            next_turn_at: row.next_turn_at,
            skip_next_tick: row.skip_next_tick,
            engine_health: row.engine_health,
            missing_readings: uint(row.missing_readings),
            missing_since: row.missing_since,
            exit_code: row.exit_code,
            oom_killed: row.oom_killed,
            restarts: uint(row.restarts),
            restarted_at: row.restarted_at,
            last_error: row.last_error,
            version: row.version,
            started_at: row.started_at,
            paused_at: row.paused_at,
            finished_at: row.finished_at,
            last_observed_at: row.last_observed_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The column is checked to hold an object.
fn object(column: Value) -> Map<String, Value> {
    match column {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

macro_rules! select {
    ($tail:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"select game_id as "game_id: GameId", game_name, node_id, epoch, current_container_id,
                   status as "status: RuntimeStatus", image_ref, image_digest, engine_name, engine_version, endpoint,
                   engine_token, seed, options, turn_schedule, time_zone, current_turn, next_turn_at, skip_next_tick,
                   engine_health as "engine_health: EngineHealth", missing_readings, missing_since, exit_code,
                   oom_killed, restarts, restarted_at, last_error, version, started_at, paused_at, finished_at,
                   last_observed_at, created_at, updated_at
               from backend.runtime_records "# + $tail
            $(, $argument)*
        )
    };
}

/// The record of `game`, if it was ever started.
#[tracing::instrument(name = "db.runtime.record", skip_all)]
pub async fn get(connection: &mut PgConnection, game: GameId) -> Result<Option<Record>> {
    let row = select!("where game_id = $1", game.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Record::from))
}

/// The record of `game`, locked until the transaction ends.
#[tracing::instrument(name = "db.runtime.lock_record", skip_all)]
pub async fn lock(connection: &mut PgConnection, game: GameId) -> Result<Option<Record>> {
    let row = select!("where game_id = $1 for update", game.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(Record::from))
}

const LIST: &str = "runtime_records";

/// A page of records, newest first, of one status or of all.
pub async fn list(
    connection: &mut PgConnection,
    status: Option<RuntimeStatus>,
    limit: Limit,
    cursor: Option<&str>,
) -> std::result::Result<Page<Record>, ListError> {
    let before = Cursor::after(LIST, cursor)?;
    let rows = select_page(connection, status, before, limit.probe()).await?;
    Ok(Page::cut(rows, limit, LIST, |record| {
        (record.created_at, record.game_id)
    }))
}

#[tracing::instrument(name = "db.runtime.list_records", skip_all)]
async fn select_page(
    connection: &mut PgConnection,
    status: Option<RuntimeStatus>,
    before: Option<(Timestamp, GameId)>,
    limit: i64,
) -> Result<Vec<Record>> {
    let (at, id) = before.unzip();
    let id = id.map(GameId::uuid);
    let rows = if let Some(status) = status {
        select!(
            "where status = $1 and ($2::timestamptz is null or (created_at, game_id) < ($2, $3::uuid))
             order by created_at desc, game_id desc limit $4",
            status.as_str(),
            at,
            id,
            limit
        )
        .fetch_all(connection)
        .await?
    } else {
        select!(
            "where ($1::timestamptz is null or (created_at, game_id) < ($1, $2::uuid))
             order by created_at desc, game_id desc limit $3",
            at,
            id,
            limit
        )
        .fetch_all(connection)
        .await?
    };
    Ok(rows.into_iter().map(Record::from).collect())
}

/// Up to `limit` records of `node` that an engine belongs to, or may belong to, after `after` in the order of games. Not
/// those whose engine is known to be gone.
#[tracing::instrument(name = "db.runtime.records_of_node", skip_all)]
pub async fn of_node(
    connection: &mut PgConnection,
    node: &str,
    after: Option<GameId>,
    limit: u32,
) -> Result<Vec<Record>> {
    let rows = select!(
        "where node_id = $1 and ($2::uuid is null or game_id > $2)
             and (current_container_id is not null or finished_at is null)
         order by game_id limit $3",
        node,
        after.map(GameId::uuid),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Record::from).collect())
}

/// The records of `games`, in no certain order.
#[tracing::instrument(name = "db.runtime.records_of", skip_all)]
pub async fn of(connection: &mut PgConnection, games: &[GameId]) -> Result<Vec<Record>> {
    let games: Vec<uuid::Uuid> = games.iter().map(|game| game.uuid()).collect();
    let rows = select!("where game_id = any($1)", &games)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Record::from).collect())
}

/// What a new start writes.
pub(crate) struct Beginning<'a> {
    pub game: GameId,
    pub game_name: &'a str,
    pub image_ref: &'a str,
    pub engine_name: &'a str,
    pub engine_version: &'a str,
    pub seed: i64,
    pub options: &'a Map<String, Value>,
    pub turn_schedule: &'a str,
    pub time_zone: &'a str,
}

/// Makes the record, or sets one whose start failed back to its beginning; `false` if there is another one already.
#[tracing::instrument(name = "db.runtime.begin", skip_all)]
pub(crate) async fn begin(
    connection: &mut PgConnection,
    record: &Beginning<'_>,
    now: Timestamp,
) -> Result<bool> {
    let rows = sqlx::query!(
        "insert into backend.runtime_records as r (game_id, game_name, image_ref, engine_version, seed, turn_schedule,
             time_zone, created_at, updated_at, engine_name, options)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
         on conflict (game_id) do update set status = 'starting', game_name = excluded.game_name,
             image_ref = excluded.image_ref, engine_version = excluded.engine_version, seed = excluded.seed,
             engine_name = excluded.engine_name, options = excluded.options, image_digest = null,
             turn_schedule = excluded.turn_schedule, time_zone = excluded.time_zone, last_error = null,
             node_id = null, current_container_id = null, engine_health = 'unknown', restarts = 0,
             restarted_at = null, exit_code = null, oom_killed = false,
             version = r.version + 1, created_at = excluded.created_at, updated_at = excluded.updated_at
         where r.status = 'start_failed'",
        record.game.uuid(),
        record.game_name,
        record.image_ref,
        record.engine_version,
        record.seed,
        record.turn_schedule,
        record.time_zone,
        now,
        record.engine_name,
        Json(record.options) as _,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

/// Writes back what `record`, locked by this transaction, has become, under a new version, which it gives.
#[tracing::instrument(name = "db.runtime.save_record", skip_all)]
pub(crate) async fn save(
    connection: &mut PgConnection,
    record: &mut Record,
    now: Timestamp,
) -> Result<()> {
    record.version = sqlx::query_scalar!(
        "update backend.runtime_records set status = $2, current_container_id = $3, image_ref = $4,
             engine_version = $5, endpoint = $6, current_turn = $7, next_turn_at = $8, skip_next_tick = $9,
             engine_health = $10, last_error = left($11, 4000), started_at = $12, paused_at = $13, finished_at = $14,
             last_observed_at = $15, missing_readings = $16, updated_at = $17, version = version + 1, node_id = $18,
             epoch = $19, image_digest = $20, engine_token = $21, exit_code = $22, oom_killed = $23, restarts = $24,
             restarted_at = $25, missing_since = $26
         where game_id = $1 returning version",
        record.game_id.uuid(),
        record.status.as_str(),
        record.container_id,
        record.image_ref,
        record.engine_version,
        record.endpoint.as_ref().map(ToString::to_string),
        super::int(record.current_turn),
        record.next_turn_at,
        record.skip_next_tick,
        record.engine_health.as_str(),
        record.last_error,
        record.started_at,
        record.paused_at,
        record.finished_at,
        record.last_observed_at,
        super::int(record.missing_readings),
        now,
        record.node_id,
        record.epoch,
        record.image_digest,
        record.engine_token.as_ref().map(EngineToken::reveal),
        record.exit_code,
        record.oom_killed,
        super::int(record.restarts),
        record.restarted_at,
        record.missing_since,
    )
    .fetch_one(connection)
    .await?;
    record.updated_at = now;
    Ok(())
}

/// Notes how many complete listings in a row did not show the game's engine, 0 if the last one did. No change of the
/// runtime itself, so that the version stays.
#[tracing::instrument(name = "db.runtime.note_missing", skip_all)]
pub async fn note_missing(
    connection: &mut PgConnection,
    game: GameId,
    readings: u32,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update backend.runtime_records
         set missing_readings = $2, missing_since = case when $2 > 0 then coalesce(missing_since, $3) end
         where game_id = $1",
        game.uuid(),
        super::int(readings),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the record's engine is on `node`, if nothing is known and the record still has `version`; `false` if not.
#[tracing::instrument(name = "db.runtime.claim_for_node", skip_all)]
pub async fn claim_for_node(
    connection: &mut PgConnection,
    game: GameId,
    version: i64,
    node: &str,
) -> Result<bool> {
    let rows = sqlx::query!(
        "update backend.runtime_records set node_id = $3
         where game_id = $1 and version = $2 and (node_id is null or node_id = $3)",
        game.uuid(),
        version,
        node,
    )
    .execute(connection)
    .await?
    .rows_affected();
    Ok(rows == 1)
}

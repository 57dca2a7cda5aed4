//! `games`, counted.

use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

/// Games of one status whose engines are equally well.
#[derive(Debug, PartialEq, Eq)]
pub struct GameCount {
    pub status: String,
    /// `none` before there is an engine and after the end.
    pub health: String,
    pub games: i64,
}

/// The games of each status, those with an engine by its health. Each status is listed, with `none` at least. Of those that are
/// over, which grow without end, at most 100,000 a status are counted.
#[instrument(name = "db.lobby.count_games", level = "debug", skip_all)]
pub async fn by_status_and_health(connection: &mut PgConnection) -> Result<Vec<GameCount>> {
    Ok(sqlx::query_as!(
        GameCount,
        r#"with open as (
               select status, coalesce(engine_health, 'none') as health, count(*) as games from backend.games
               where status in ('draft', 'enrollment_open', 'ready_to_start', 'starting', 'start_failed', 'running', 'paused')
               group by 1, 2)
           select status as "status!", health as "health!", games as "games!" from open
           union all
           select status, 'none', 0
           from unnest(array['draft', 'enrollment_open', 'ready_to_start', 'starting', 'start_failed', 'running', 'paused'])
               as known (status)
           where not exists (select from open where open.status = known.status and open.health = 'none')
           union all
           select ended.status, 'none', (
               select count(*) from (select from backend.games g where g.status = ended.status limit 100000) counted)
           from (values ('finished'), ('cancelled')) as ended (status)"#
    )
    .fetch_all(connection)
    .await?)
}

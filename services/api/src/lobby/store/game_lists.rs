//! Pages of games. Each list has its own statement, so that each has its own index.

use galaxy_core::{GameId, Limit, Page, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;

use super::games::games;
use crate::lobby::{game::Game, model::GameStatus};

/// The position of a game in a list by age.
pub type ByAge = (Timestamp, GameId);
/// The position of a game in a list by name.
pub type ByName = (String, GameId);

fn by_age(game: &Game) -> ByAge {
    (game.created_at, game.game_id)
}

/// A key before all others, in descending order of age.
fn newest(after: Option<ByAge>) -> ByAge {
    after.unwrap_or((Timestamp::MAX, GameId(uuid::Uuid::max())))
}

/// Public games but drafts, newest first.
#[instrument(name = "db.lobby.list_public", skip_all)]
pub async fn public(
    connection: &mut PgConnection,
    list: &str,
    status: Option<GameStatus>,
    limit: Limit,
    after: Option<ByAge>,
) -> Result<Page<Game>> {
    let (at, id) = newest(after);
    let id = id.uuid();
    let rows = match status {
        None => {
            games!(
                "where g.visibility = 'public' and g.status <> 'draft' and (g.created_at, g.game_id) < ($1, $2)
                 order by g.created_at desc, g.game_id desc limit $3",
                at,
                id,
                limit.probe()
            )
            .fetch_all(connection)
            .await?
        }
        Some(status) => {
            games!(
                "where g.visibility = 'public' and g.status = $4 and g.status <> 'draft'
                       and (g.created_at, g.game_id) < ($1, $2)
                 order by g.created_at desc, g.game_id desc limit $3",
                at,
                id,
                limit.probe(),
                status as _
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(Page::cut(rows, limit, list, by_age))
}

/// Public games but drafts whose name begins with `prefix`, whatever its case, by name.
#[instrument(name = "db.lobby.search_public", skip_all)]
pub async fn search(
    connection: &mut PgConnection,
    list: &str,
    prefix: &str,
    status: Option<GameStatus>,
    limit: Limit,
    after: Option<ByName>,
) -> Result<Page<Game>> {
    // After the last game of the page before; without one, from the prefix itself on: of two lower bounds, Postgres begins
    // its scan at the one of the row.
    let (name, id) = after.unwrap_or_else(|| (prefix.to_owned(), GameId(uuid::Uuid::nil())));
    let end = format!("{prefix}\u{10ffff}");
    let id = id.uuid();
    let rows = match status {
        None => {
            games!(
                "where g.visibility = 'public' and g.status <> 'draft'
                       and g.game_name_key >= lower($1) and g.game_name_key < lower($2)
                       and (g.game_name_key, g.game_id) > (lower($3), $4)
                 order by g.game_name_key, g.game_id limit $5",
                prefix,
                end,
                name,
                id,
                limit.probe()
            )
            .fetch_all(connection)
            .await?
        }
        Some(status) => {
            games!(
                "where g.visibility = 'public' and g.status = $6 and g.status <> 'draft'
                       and g.game_name_key >= lower($1) and g.game_name_key < lower($2)
                       and (g.game_name_key, g.game_id) > (lower($3), $4)
                 order by g.game_name_key, g.game_id limit $5",
                prefix,
                end,
                name,
                id,
                limit.probe(),
                status as _
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(Page::cut(rows, limit, list, |game: &Game| {
        (game.game_name.clone(), game.game_id)
    }))
}

/// Games that `user_id` owns or is an active member of, newest first.
#[instrument(name = "db.lobby.list_mine", skip_all, fields(%user_id))]
pub async fn of_player(
    connection: &mut PgConnection,
    list: &str,
    user_id: UserId,
    limit: Limit,
    after: Option<ByAge>,
) -> Result<Page<Game>> {
    let (at, id) = newest(after);
    let rows = games!(
        "where g.game_id in (
             (select o.game_id from backend.games o
              where o.owner_user_id = $1 and (o.created_at, o.game_id) < ($2, $3)
              order by o.created_at desc, o.game_id desc limit $4)
             union
             (select p.game_id from backend.memberships m join backend.games p on p.game_id = m.game_id
              where m.user_id = $1 and m.status = 'active' and (p.created_at, p.game_id) < ($2, $3)
              order by p.created_at desc, p.game_id desc limit $4))
         order by g.created_at desc, g.game_id desc limit $4",
        user_id.uuid(),
        at,
        id.uuid(),
        limit.probe()
    )
    .fetch_all(connection)
    .await?;
    Ok(Page::cut(rows, limit, list, by_age))
}

/// What an operator looks for.
#[derive(Debug, Clone, Copy)]
pub enum Filter {
    /// Everything.
    All,
    /// Games in this status.
    Status(GameStatus),
    /// Games of this owner.
    Owner(UserId),
}

/// All games of `filter`, drafts and private ones too, newest first.
#[instrument(name = "db.lobby.list_all", skip_all)]
pub async fn all(
    connection: &mut PgConnection,
    list: &str,
    filter: Filter,
    limit: Limit,
    after: Option<ByAge>,
) -> Result<Page<Game>> {
    let (at, id) = newest(after);
    let id = id.uuid();
    let rows = match filter {
        Filter::All => {
            games!(
                "where (g.created_at, g.game_id) < ($1, $2)
                 order by g.created_at desc, g.game_id desc limit $3",
                at,
                id,
                limit.probe()
            )
            .fetch_all(connection)
            .await?
        }
        Filter::Status(status) => {
            games!(
                "where g.status = $4 and (g.created_at, g.game_id) < ($1, $2)
                 order by g.created_at desc, g.game_id desc limit $3",
                at,
                id,
                limit.probe(),
                status as _
            )
            .fetch_all(connection)
            .await?
        }
        Filter::Owner(owner) => {
            games!(
                "where g.owner_user_id = $4 and (g.created_at, g.game_id) < ($1, $2)
                 order by g.created_at desc, g.game_id desc limit $3",
                at,
                id,
                limit.probe(),
                owner.uuid()
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(Page::cut(rows, limit, list, by_age))
}

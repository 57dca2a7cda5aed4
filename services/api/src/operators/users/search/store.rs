//! The SQL of the account search: one query for each access path, each along an index, none with OFFSET or count.
//!
//! When other filters apply too, a page reads a bounded number of candidates. If it reaches that bound, its last row is the
//! last candidate, whether it matches or not, so that the next page continues after it.

use galaxy_core::{Limit, Timestamp, UserId};
use galaxy_store::Result;
use sqlx::PgConnection;
use tracing::instrument;
use uuid::Uuid;

use super::plan::{Filter, end_of_prefix};
use crate::accounts::model::SanctionCode;

/// The most candidates that a page reads: its own rows and 100 that do not match.
const fn candidates(limit: Limit) -> i64 {
    limit.probe() + 100
}

/// An account that the search has read.
#[derive(Debug, Clone)]
pub struct Found {
    /// The sort key of a list by text: address or name; else empty.
    pub key: String,
    pub user_id: UserId,
    /// The address as typed.
    pub delivery_email: String,
    /// Generated; never changes.
    pub user_name: String,
    /// The name other players see.
    pub display_name: String,
    /// ISO 3166-1 code of the country of the first sign-in.
    pub declared_country: Option<String>,
    pub permanent_block: bool,
    pub created_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// All filters match. Only the last row of a page can be one that does not.
    pub fits: bool,
    /// The last candidate: the search stopped here at its bound.
    pub ends_look: bool,
}

/// The account of the filter's id, if the other filters match it.
#[instrument(name = "db.accounts.search_by_id", skip_all)]
pub async fn by_id(
    connection: &mut PgConnection,
    filter: &Filter,
    now: Timestamp,
) -> Result<Vec<Found>> {
    Ok(sqlx::query_as!(
        Found,
        r#"select '' as "key!", user_id, delivery_email, user_name, display_name, declared_country, permanent_block,
                  created_at, deleted_at, true as "fits!", false as "ends_look!"
           from backend.accounts a
           where user_id = $1 and ($2::text is null or starts_with(email, $2))
               and ($3::text is null or starts_with(display_name_key, $3) or starts_with(user_name, $3))
               and ($4::text is null or declared_country = $4)
               and ($5::text is null or exists (select from backend.sanction_active s where s.user_id = a.user_id
                   and s.sanction_code = $5 and (s.expires_at is null or s.expires_at > $6)))"#,
        filter.user_id.map(UserId::uuid),
        filter.email,
        filter.name,
        filter.country,
        filter.sanction.map(SanctionCode::as_str),
        now,
    )
    .fetch_all(connection)
    .await?)
}

/// Accounts whose address begins with `prefix`, ordered by address.
#[instrument(name = "db.accounts.search_by_email", skip_all)]
pub async fn by_email(
    connection: &mut PgConnection,
    filter: &Filter,
    prefix: &str,
    after: Option<(String, Uuid)>,
    limit: Limit,
    now: Timestamp,
) -> Result<Vec<Found>> {
    let after = after.map_or_else(String::new, |(email, _)| email);
    Ok(sqlx::query_as!(
        Found,
        r#"select email as "key!", user_id as "user_id!", delivery_email as "delivery_email!", user_name as "user_name!",
                  display_name as "display_name!", declared_country, permanent_block as "permanent_block!",
                  created_at as "created_at!", deleted_at, fits as "fits!", place = $9 as "ends_look!"
           from (
               select c.*, row_number() over (order by email) as place,
                   ($4::text is null or starts_with(display_name_key, $4) or starts_with(user_name, $4))
                   and ($5::text is null or declared_country = $5)
                   and ($6::text is null or (
                       select true from backend.sanction_active s where s.user_id = c.user_id
                           and s.sanction_code = $6 and (s.expires_at is null or s.expires_at > $7) limit 1) is true) as fits
               from (select * from backend.accounts where email >= $1 and email < $2 and email > $3
                     order by email limit $9) c
           ) looked_at
           where fits or place = $9
           order by email limit $8"#,
        prefix,
        end_of_prefix(prefix),
        after,
        filter.name,
        filter.country,
        filter.sanction.map(SanctionCode::as_str),
        now,
        limit.probe(),
        candidates(limit),
    )
    .fetch_all(connection)
    .await?)
}

/// Accounts whose display name or user name begins with `prefix`, ordered by that name. One that matches
/// with both is listed by its display name.
#[instrument(name = "db.accounts.search_by_name", skip_all)]
pub async fn by_name(
    connection: &mut PgConnection,
    filter: &Filter,
    prefix: &str,
    after: Option<(String, Uuid)>,
    limit: Limit,
) -> Result<Vec<Found>> {
    // An empty key would be slow: of two lower bounds, Postgres begins its scan at the one of the row comparison.
    let (after_key, after_id) = after.unwrap_or_else(|| (prefix.to_owned(), Uuid::nil()));
    Ok(sqlx::query_as!(
        Found,
        r#"select key as "key!", user_id as "user_id!", delivery_email as "delivery_email!", user_name as "user_name!",
                  display_name as "display_name!", declared_country, permanent_block as "permanent_block!",
                  created_at as "created_at!", deleted_at, fits as "fits!", place = $7 as "ends_look!"
           from (
               select c.*, row_number() over (order by key, user_id) as place,
                   ($5::text is null or declared_country = $5) as fits
               from (
                   select * from (
                       (select display_name_key as key, * from backend.accounts
                        where display_name_key >= $1 and display_name_key < $2 and (display_name_key, user_id) > ($3, $4)
                        order by display_name_key, user_id limit $7)
                       union all
                       (select user_name as key, * from backend.accounts
                        where user_name >= $1 and user_name < $2 and user_name >= $3 and (user_name > $3 or user_id > $4)
                            and not (display_name_key >= $1 and display_name_key < $2)
                        order by user_name, user_id limit $7)
                   ) both_ways
                   order by key, user_id limit $7
               ) c
           ) looked_at
           where fits or place = $7
           order by key, user_id limit $6"#,
        prefix,
        end_of_prefix(prefix),
        after_key,
        after_id,
        filter.country,
        limit.probe(),
        candidates(limit),
    )
    .fetch_all(connection)
    .await?)
}

/// Accounts with an active sanction, ordered by id.
#[instrument(name = "db.accounts.search_by_sanction", skip_all)]
pub async fn by_sanction(
    connection: &mut PgConnection,
    filter: &Filter,
    after: Option<(String, Uuid)>,
    limit: Limit,
    now: Timestamp,
) -> Result<Vec<Found>> {
    let after = after.map_or(Uuid::nil(), |(_, id)| id);
    Ok(sqlx::query_as!(
        Found,
        r#"select '' as "key!", user_id as "user_id!", delivery_email as "delivery_email!", user_name as "user_name!",
                  display_name as "display_name!", declared_country, permanent_block as "permanent_block!",
                  created_at as "created_at!", deleted_at, fits as "fits!", place = $8 as "ends_look!"
           from (
               select s.user_id, place, delivery_email, user_name, display_name, declared_country, permanent_block,
                   created_at, deleted_at,
                   ($4::text is null or declared_country = $4)
                   and ($5::text is null or starts_with(email, $5))
                   and ($6::text is null or starts_with(display_name_key, $6) or starts_with(user_name, $6)) as fits
               from (
                   select user_id, row_number() over (order by user_id) as place
                   from (select user_id from backend.sanction_active
                         where sanction_code = $1 and user_id > $2 and (expires_at is null or expires_at > $3)
                         order by user_id limit $8) c
               ) s cross join lateral (select * from backend.accounts a where a.user_id = s.user_id limit 1) a
           ) looked_at
           where fits or place = $8
           order by user_id limit $7"#,
        filter.sanction.map(SanctionCode::as_str),
        after,
        now,
        filter.country,
        filter.email,
        filter.name,
        limit.probe(),
        candidates(limit),
    )
    .fetch_all(connection)
    .await?)
}

/// The accounts of `country`, or all if it is `None`, the newest first.
#[instrument(name = "db.accounts.search_newest", skip_all)]
pub async fn newest(
    connection: &mut PgConnection,
    country: Option<&str>,
    before: Option<(Timestamp, Uuid)>,
    limit: Limit,
) -> Result<Vec<Found>> {
    let (before_at, before_id) = before.unwrap_or((Timestamp::MAX, Uuid::max()));
    let Some(country) = country else {
        return Ok(sqlx::query_as!(
            Found,
            r#"select '' as "key!", user_id, delivery_email, user_name, display_name, declared_country, permanent_block,
                  created_at, deleted_at, true as "fits!", false as "ends_look!"
           from backend.accounts
           where (created_at, user_id) < ($1, $2)
           order by created_at desc, user_id desc limit $3"#,
            before_at,
            before_id,
            limit.probe(),
        )
        .fetch_all(connection)
        .await?);
    };
    Ok(sqlx::query_as!(
        Found,
        r#"select '' as "key!", user_id, delivery_email, user_name, display_name, declared_country, permanent_block,
                  created_at, deleted_at, true as "fits!", false as "ends_look!"
           from backend.accounts
           where declared_country = $1 and (created_at, user_id) < ($2, $3)
           order by created_at desc, user_id desc limit $4"#,
        country,
        before_at,
        before_id,
        limit.probe(),
    )
    .fetch_all(connection)
    .await?)
}

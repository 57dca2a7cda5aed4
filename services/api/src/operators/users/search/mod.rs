//! `GET /users`: searches accounts.

mod plan;
mod store;

use axum::{Json, extract::State};
use galaxy_core::{Cursor, Limit, Page, Timestamp, UserId};
use galaxy_http::{ApiError, ApiQuery, Invalid};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use self::{
    plan::{AccessPath, Filter},
    store::Found,
};
use crate::{
    accounts::model::SanctionCode,
    http::PageQuery,
    operators::{Admin, Operators},
};

/// Filters of a search; an account must match all of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserSearch {
    /// Beginning of the address.
    #[param(max_length = 254)]
    email: Option<String>,
    /// Beginning of the display name or of the user name; case does not matter.
    #[param(max_length = 64)]
    name: Option<String>,
    /// The account itself.
    user_id: Option<UserId>,
    /// ISO 3166-1 code of the country of the first sign-in.
    #[param(pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// A sanction that is active.
    #[param(inline)]
    sanction: Option<SanctionCode>,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// An account in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserSummary {
    /// Its id.
    pub user_id: UserId,
    /// The address that signs in.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The unchanging name.
    #[schema(example = "player-7k2m9qxa")]
    pub user_name: String,
    /// The name other players see.
    #[schema(example = "Ada")]
    pub display_name: String,
    /// ISO 3166-1 code of the country of the first sign-in.
    #[schema(example = "AT")]
    pub declared_country: Option<String>,
    /// Blocked for good.
    pub permanent_block: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl From<Found> for UserSummary {
    fn from(found: Found) -> Self {
        Self {
            user_id: found.user_id,
            email: found.delivery_email,
            user_name: found.user_name,
            display_name: found.display_name,
            declared_country: found.declared_country,
            permanent_block: found.permanent_block,
            created_at: found.created_at,
            deleted_at: found.deleted_at,
        }
    }
}

/// Searches accounts, also blocked and deleted ones. Without a filter: all, the newest first. When several
/// filters match few accounts, a page may be short or even empty and still have a `next_cursor`: the search continues there.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users",
    tag = "Admin",
    operation_id = "search_users",
    params(UserSearch),
    responses((status = 200, body = Page<UserSummary>, description = "A page of accounts."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn search_users(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<UserSearch>,
) -> Result<Json<Page<UserSummary>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor.clone(),
    };
    let filter = check(query)?;
    let mut tx = operators.db.begin_with_kept_plans().await?;
    let found = search(&mut tx, &filter, &page, operators.clock.now()).await?;
    tx.commit().await?;
    Ok(Json(found.map(UserSummary::from)))
}

fn check(query: UserSearch) -> Result<Filter, ApiError> {
    let mut invalid = Invalid::default();
    let bounded = |text: &Option<String>, most| {
        text.as_ref()
            .is_some_and(|t| t.is_empty() || t.len() > most)
    };
    if bounded(&query.email, 254) {
        invalid.push("email", "must have 1 to 254 bytes");
    }
    if bounded(&query.name, 128) {
        invalid.push("name", "must have 1 to 128 bytes");
    }
    let has_nul = |text: &Option<String>| text.as_ref().is_some_and(|t| t.contains('\0'));
    if has_nul(&query.email) || has_nul(&query.name) {
        invalid.push("email", "must not contain control characters");
    }
    let code = |c: &String| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
    if query.country.as_ref().is_some_and(|c| !code(c)) {
        invalid.push("country", "must be an ISO 3166-1 code such as AT");
    }
    invalid.finish(Some(Filter {
        email: query.email.as_deref().map(plan::email_prefix),
        name: query.name.map(|name| name.to_lowercase()),
        user_id: query.user_id,
        country: query.country,
        sanction: query.sanction,
    }))
}

async fn search(
    connection: &mut PgConnection,
    filter: &Filter,
    page: &PageQuery,
    now: Timestamp,
) -> Result<Page<Found>, ApiError> {
    let path = filter.access_path();
    let list = path.list();
    let by_text = |rows, limit| cut(rows, limit, list, |row| (row.key.clone(), row.user_id));
    let by_age = |rows, limit| cut(rows, limit, list, |row| (row.created_at, row.user_id));
    let text = || page.read::<(String, Uuid)>(list);
    let prefix = |prefix: &Option<String>| prefix.clone().unwrap_or_default();
    Ok(match path {
        AccessPath::Id => {
            let (limit, _): (Limit, Option<(String, Uuid)>) = text()?;
            by_text(store::by_id(connection, filter, now).await?, limit)
        }
        AccessPath::Email => {
            let (limit, after) = text()?;
            let email = prefix(&filter.email);
            by_text(
                store::by_email(connection, filter, &email, after, limit, now).await?,
                limit,
            )
        }
        AccessPath::Name => {
            let (limit, after) = text()?;
            let name = prefix(&filter.name);
            by_text(
                store::by_name(connection, filter, &name, after, limit).await?,
                limit,
            )
        }
        AccessPath::Sanction => {
            let (limit, after) = text()?;
            by_text(
                store::by_sanction(connection, filter, after, limit, now).await?,
                limit,
            )
        }
        AccessPath::Country | AccessPath::Newest => {
            let (limit, before) = page.read(list)?;
            let country = filter.country.as_deref();
            by_age(
                store::newest(connection, country, before, limit).await?,
                limit,
            )
        }
    })
}

/// A page of the rows that match all filters. The next page begins after the last row that was read.
fn cut<K: Serialize>(
    rows: Vec<Found>,
    limit: Limit,
    list: &str,
    key: impl Fn(&Found) -> K,
) -> Page<Found> {
    let scan_end = rows
        .last()
        .filter(|row| row.ends_look)
        .map(|row| Cursor::encode(list, &key(row)));
    let mut page = Page::cut(rows, limit, list, key);
    page.next_cursor = page.next_cursor.or(scan_end);
    page.items.retain(|row| row.fits);
    page
}

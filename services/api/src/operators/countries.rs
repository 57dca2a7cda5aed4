//! `GET /geo/users/{user_id}/countries`.

use axum::{Json, extract::State};
use galaxy_core::{Page, Timestamp, UserId};
use galaxy_http::{ApiError, ApiPath, ApiQuery, ErrorBody};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use crate::{
    accounts,
    geo::store,
    http::PageQuery,
    operators::{Admin, Operators},
};

const LIST: &str = "user_countries";

/// How often an account was used from a country.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserCountry {
    /// ISO 3166-1 alpha-2.
    #[schema(example = "AT")]
    pub country: String,
    /// Successful requests.
    pub count: i64,
    /// When the last one was made.
    pub last_seen_at: Timestamp,
}

/// The countries an account was used from, the most used first; at most a second behind.
#[utoipa::path(
    get,
    path = "/api/v1/admin/geo/users/{user_id}/countries",
    tag = "Admin",
    operation_id = "list_user_countries",
    params(("user_id" = UserId, Path, description = "The account."), PageQuery),
    responses(
        (status = 200, body = Page<UserCountry>, description = "A page of countries."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn list_user_countries(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<Page<UserCountry>>, ApiError> {
    let (limit, after) = page.read::<(i64, String)>(LIST)?;
    let mut connection = operators.db.acquire().await?;
    if accounts::store::find(&mut connection, user_id)
        .await?
        .is_none()
    {
        return Err(ApiError::not_found("account"));
    }
    let rows = store::list(&mut connection, user_id, after, limit).await?;
    let page = Page::cut(rows, limit, LIST, |row| (row.count, row.country.clone()));
    Ok(Json(page.map(|row| UserCountry {
        country: row.country,
        count: row.count,
        last_seen_at: row.last_seen_at,
    })))
}

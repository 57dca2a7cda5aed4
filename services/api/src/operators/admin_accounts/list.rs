//! `GET /admin-accounts`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use tracing::instrument;

use super::{store, view::AdminAccountView};
use crate::{App, http::PageQuery, operators::Admin};

const LIST: &str = "admin_accounts";

/// All operators' accounts in the order of their names.
#[utoipa::path(
    get,
    path = "/api/v1/admin/admin-accounts",
    tag = "Admin",
    operation_id = "list_admin_accounts",
    params(PageQuery),
    responses((status = 200, body = Page<AdminAccountView>, description = "A page of accounts."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_admin_accounts(
    State(app): State<App>,
    admin: Admin,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<Page<AdminAccountView>>, ApiError> {
    let (limit, after) = page.read::<String>(LIST)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list(&mut connection, after.as_deref(), limit).await?;
    let page = Page::cut(rows, limit, LIST, |row| row.username.clone());
    Ok(Json(page.map(AdminAccountView::from)))
}

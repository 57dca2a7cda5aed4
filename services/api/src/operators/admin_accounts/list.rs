//! `GET /admin-accounts`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use tracing::instrument;

use super::{store, view::AdminAccountView};
use crate::{
    http::PageQuery,
    operators::{Admin, Operators},
};

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
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<Page<AdminAccountView>>, ApiError> {
    let (limit, after) = page.read::<String>(LIST)?;
    let mut connection = operators.db.acquire().await?;
    let rows = store::list(&mut connection, after.as_deref(), limit).await?;
    let page = Page::cut(rows, limit, LIST, |row| row.username.clone());
    Ok(Json(page.map(AdminAccountView::from)))
}

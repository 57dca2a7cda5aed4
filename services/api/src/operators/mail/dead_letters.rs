//! `GET /mail/dead-letters`.

use axum::{Json, extract::State};
use galaxy_core::Page;
use galaxy_http::{ApiError, ApiQuery};
use galaxy_mail::list::{self, DeadLetter};
use tracing::instrument;

use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Mails whose delivery was given up, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/mail/dead-letters",
    tag = "Admin",
    operation_id = "list_mail_dead_letters",
    params(PageQuery),
    responses((status = 200, body = Page<DeadLetter>, description = "A page of dead letters."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_mail_dead_letters(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Page<DeadLetter>>, ApiError> {
    let limit = query.limit()?;
    list::dead_letters(&operators.db, query.cursor.as_deref(), limit)
        .await
        .map(Json)
        .map_err(list_error)
}

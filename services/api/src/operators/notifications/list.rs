//! `GET /notifications`.

use axum::{Json, extract::State};
use galaxy_core::{Page, UserId};
use galaxy_http::{ApiError, ApiQuery};
use galaxy_notifications::list::{self, Filter, Notification};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Which notifications to list; all filters must match.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListNotifications {
    /// Only those of this kind.
    #[param(max_length = 100, example = "game.turn_ready")]
    kind: Option<String>,
    /// Only those to this account.
    user_id: Option<UserId>,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Notifications, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/notifications",
    tag = "Admin",
    operation_id = "list_notifications",
    params(ListNotifications),
    responses((status = 200, body = Page<Notification>, description = "A page of notifications."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_notifications(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<ListNotifications>,
) -> Result<Json<Page<Notification>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let filter = Filter {
        kind: query.kind,
        user_id: query.user_id,
    };
    let limit = page.limit()?;
    list::notifications(&operators.db, &filter, page.cursor.as_deref(), limit)
        .await
        .map(Json)
        .map_err(list_error)
}

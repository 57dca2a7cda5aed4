//! `GET /mail/deliveries`.

use axum::{Json, extract::State};
use galaxy_core::{Page, UserId};
use galaxy_http::{ApiError, ApiQuery};
use galaxy_mail::{
    DeliveryStatus,
    list::{self, Delivery, Filter},
};
use serde::Deserialize;
use tracing::instrument;
use utoipa::IntoParams;

use crate::{
    http::{PageQuery, list_error},
    operators::{Admin, Operators},
};

/// Which deliveries to list; all filters must match.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListDeliveries {
    /// Only those in this state.
    status: Option<DeliveryStatus>,
    /// Only mails of this kind.
    #[param(max_length = 100)]
    template_id: Option<String>,
    /// Only mails of this account.
    user_id: Option<UserId>,
    /// Only mails to addresses that begin like this.
    #[param(max_length = 254)]
    address: Option<String>,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Mails, the newest first, without their text.
#[utoipa::path(
    get,
    path = "/api/v1/admin/mail/deliveries",
    tag = "Admin",
    operation_id = "list_mail_deliveries",
    params(ListDeliveries),
    responses((status = 200, body = Page<Delivery>, description = "A page of deliveries."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_mail_deliveries(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<ListDeliveries>,
) -> Result<Json<Page<Delivery>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let filter = Filter {
        status: query.status,
        template_id: query.template_id,
        user_id: query.user_id,
        address: query.address,
    };
    let limit = page.limit()?;
    list::deliveries(&operators.db, &filter, page.cursor.as_deref(), limit)
        .await
        .map(Json)
        .map_err(list_error)
}

//! `POST /users/{user_id}/entitlements`: grants an account another tier.

use axum::{Json, extract::State};
use galaxy_core::{Timestamp, UserId, text};
use galaxy_events::{catalogue::account::EntitlementChanged, outbox};
use galaxy_http::{ApiError, ApiJson, ApiPath, ErrorBody, Invalid};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument;
use utoipa::ToSchema;

use super::{finish, in_future, lock};
use crate::{
    accounts::{
        internal::AccountInternal,
        model::{self, Tier},
        store::{self, Grant},
    },
    operators::{Admin, Operators},
};

/// A tier to grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntitleUser {
    /// Which.
    tier: Tier,
    /// Where it comes from: 1 to 64 characters.
    #[schema(example = "purchase", min_length = 1)]
    source: String,
    /// Why: 1 to 1,000 characters.
    #[schema(example = "Invoice 4711.", min_length = 1)]
    reason: String,
    /// When it ends; needed for `monthly` and `yearly`, not allowed for `free`.
    ends_at: Option<Timestamp>,
}

/// Grants an account another tier. Registered race names stay, even if they exceed the limit of the new tier.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user_id}/entitlements",
    tag = "Admin",
    operation_id = "entitle_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    request_body = EntitleUser,
    responses(
        (status = 200, body = AccountInternal, description = "The account as it is now."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn entitle_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
    ApiJson(request): ApiJson<EntitleUser>,
) -> Result<Json<AccountInternal>, ApiError> {
    let now = operators.clock.now();
    let mut invalid = Invalid::default();
    let source = invalid.check("source", text::line(&request.source, 1, 64));
    let reason = invalid.check("reason", model::reason(&request.reason));
    invalid.check(
        "ends_at",
        model::check_end(request.tier, request.ends_at.is_some()),
    );
    invalid.check("ends_at", in_future(request.ends_at, now));
    let (source, reason) = invalid.finish(source.zip(reason))?;
    let grant = Grant {
        user_id,
        tier: request.tier,
        ends_at: request.ends_at,
        source: &source,
        reason: Some(&reason),
        actor: &admin.username,
    };
    let mut tx = operators.db.begin().await?;
    lock(&mut tx, user_id).await?;
    store::grant(&mut tx, &grant, now).await?;
    let event = EntitlementChanged {
        user_id,
        tier: request.tier.into(),
        ends_at: request.ends_at,
    };
    outbox::append(&mut tx, &event).await?;
    let details = json!({ "tier": request.tier, "source": source, "ends_at": request.ends_at });
    finish(tx, &admin, "users.entitle", user_id, details, now).await
}

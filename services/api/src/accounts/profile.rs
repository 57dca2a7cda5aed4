//! `PATCH /account/profile`.

use axum::{Json, extract::State};
use galaxy_http::{ApiError, ApiJson, Invalid};
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use super::{Accounts, Caller, access, get, model, store, view::AccountView};

/// What other players see.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// 1 to 30 visible characters on one line.
    #[schema(example = "Ada", min_length = 1)]
    display_name: String,
}

/// Changes the caller's profile.
#[utoipa::path(
    patch,
    path = "/api/v1/user/account/profile",
    tag = "User",
    operation_id = "update_profile",
    request_body = UpdateProfile,
    responses((status = 200, body = AccountView, description = "The account as it is now."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn update_profile(
    State(accounts): State<Accounts>,
    caller: Caller,
    ApiJson(request): ApiJson<UpdateProfile>,
) -> Result<Json<AccountView>, ApiError> {
    let mut invalid = Invalid::default();
    let name = invalid.check("display_name", model::display_name(&request.display_name));
    let name = invalid.finish(name)?;
    let now = accounts.clock.now();
    let mut tx = accounts.db.begin().await?;
    access::ensure_may(&mut tx, caller.user_id, model::Action::UpdateProfile, now).await?;
    store::set_display_name(&mut tx, caller.user_id, &name, now).await?;
    let account = get::caller_account(&accounts, &mut tx, caller.user_id).await?;
    tx.commit().await?;
    Ok(account)
}

//! `PATCH /account/settings`.

use axum::{Json, extract::State};
use galaxy_core::{Locale, timezone};
use galaxy_http::{ApiError, ApiJson, Invalid};
use galaxy_notifications::{Preferences, preferences::QuietHours};
use serde::Deserialize;
use serde_json::Value;
use tracing::instrument;
use utoipa::ToSchema;

use super::{
    Accounts, Caller, access, get,
    store::{self, SettingsChange},
    view::AccountView,
};

/// The settings to change; absent ones stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSettings {
    /// BCP 47 tag; the best matching supported language is stored.
    #[schema(example = "de", max_length = 35)]
    preferred_language: Option<String>,
    /// IANA time zone.
    #[schema(example = "Europe/Vienna", max_length = 64)]
    time_zone: Option<String>,
    /// Members to set; `null` returns a member to its default, absent ones stay.
    #[schema(value_type = Option<NotificationsChange>)]
    notifications: Option<Value>,
}

/// Notification preferences to set.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the members that `Preferences::check` takes"
)]
pub struct NotificationsChange {
    /// Mails about games, applications, invites and race names.
    lobby_mail: Option<bool>,
    /// Mails about new turns.
    turns_mail: Option<bool>,
    /// Mails about the account's tier.
    account_mail: Option<bool>,
    /// Send one mail a day about all new turns.
    turns_digest: Option<bool>,
    /// When mails are held back, in the account's time zone.
    quiet_hours: Option<QuietHours>,
}

/// Changes the caller's settings. Parallel changes of different settings all stay.
#[utoipa::path(
    patch,
    path = "/api/v1/user/account/settings",
    tag = "User",
    operation_id = "update_settings",
    request_body = UpdateSettings,
    responses((status = 200, body = AccountView, description = "The account as it is now."))
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn update_settings(
    State(accounts): State<Accounts>,
    caller: Caller,
    ApiJson(request): ApiJson<UpdateSettings>,
) -> Result<Json<AccountView>, ApiError> {
    let change = check(request)?;
    let now = accounts.clock.now();
    let mut tx = accounts.db.begin().await?;
    access::ensure_may(&mut tx, caller.user_id, super::Action::UpdateProfile, now).await?;
    store::change_settings(&mut tx, caller.user_id, &change, now).await?;
    let account = get::caller_account(&accounts, &mut tx, caller.user_id).await?;
    tx.commit().await?;
    Ok(account)
}

fn check(request: UpdateSettings) -> Result<SettingsChange, ApiError> {
    let mut invalid = Invalid::default();
    let mut change = SettingsChange::default();
    if let Some(tag) = &request.preferred_language {
        if !Locale::is_tag(tag) {
            invalid.push(
                "preferred_language",
                "must be a BCP 47 language tag such as de or en-GB",
            );
        }
        change.preferred_language = Some(Locale::best_match(tag));
    }
    if let Some(name) = &request.time_zone {
        change.time_zone = timezone::canonical_name(name);
        if change.time_zone.is_none() {
            invalid.push(
                "time_zone",
                "must be an IANA time zone such as Europe/Vienna",
            );
        }
    }
    if let Some(members) = request.notifications {
        invalid.check("notifications", Preferences::check(&members));
        change.notifications = Some(members);
    }
    invalid.finish(Some(change))
}

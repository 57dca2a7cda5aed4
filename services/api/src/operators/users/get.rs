//! `GET /users/{user_id}`: an account with its history.

use axum::{Json, extract::State};
use galaxy_core::{RecordId, Timestamp, UserId};
use galaxy_http::{ApiError, ApiPath, ErrorBody};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::shown;
use crate::{
    accounts::{
        internal::AccountInternal,
        model::{LimitCode, SanctionCode, Tier},
        store::{self, EntitlementRecord, LimitRecord, SanctionRecord},
    },
    operators::{Admin, Operators},
};

/// Records of each kind that are shown at most.
const HISTORY: i64 = 200;

/// An account with what was changed on it, the newest first, 200 of each kind at most.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserDetails {
    /// The account as it is now.
    #[serde(flatten)]
    pub account: AccountInternal,
    /// Changes of the tier.
    pub entitlement_history: Vec<EntitlementEntry>,
    /// Sanctions applied and removed.
    pub sanction_history: Vec<SanctionEntry>,
    /// Limits set and removed.
    pub limit_history: Vec<LimitEntry>,
}

/// A change of the tier.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EntitlementEntry {
    /// Its id.
    pub record_id: RecordId,
    /// The tier.
    pub tier: Tier,
    /// Where it came from.
    pub source: String,
    /// Why.
    pub reason: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// When it was to end.
    pub ends_at: Option<Timestamp>,
    /// When.
    pub created_at: Timestamp,
}

/// A sanction applied or removed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SanctionEntry {
    /// Its id.
    pub record_id: RecordId,
    /// Which.
    pub sanction_code: SanctionCode,
    /// `apply` or `remove`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Who did it.
    pub actor: String,
    /// When it was to end.
    pub expires_at: Option<Timestamp>,
    /// When.
    pub created_at: Timestamp,
}

/// A limit set or removed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LimitEntry {
    /// Its id.
    pub record_id: RecordId,
    /// Which.
    pub limit_code: LimitCode,
    /// `set` or `remove`.
    pub action: String,
    /// How much.
    pub value: Option<u32>,
    /// Why.
    pub reason: String,
    /// Who did it.
    pub actor: String,
    /// When it was to end.
    pub expires_at: Option<Timestamp>,
    /// When.
    pub created_at: Timestamp,
}

/// An account and its history; also a blocked or deleted one.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users/{user_id}",
    tag = "Admin",
    operation_id = "get_user",
    params(("user_id" = UserId, Path, description = "The account.")),
    responses(
        (status = 200, body = UserDetails, description = "The account and its history."),
        (status = 404, body = ErrorBody, description = "There is no such account.")
    )
)]
#[instrument(skip_all, fields(admin = %admin.username, %user_id))]
pub async fn get_user(
    State(operators): State<Operators>,
    admin: Admin,
    ApiPath(user_id): ApiPath<UserId>,
) -> Result<Json<UserDetails>, ApiError> {
    let mut connection = operators.db.acquire().await?;
    let account = shown(&mut connection, user_id, operators.clock.now()).await?;
    let entitlements = store::entitlement_history(&mut connection, user_id, HISTORY).await?;
    let sanctions = store::sanction_history(&mut connection, user_id, HISTORY).await?;
    let limits = store::limit_history(&mut connection, user_id, HISTORY).await?;
    Ok(Json(UserDetails {
        account,
        entitlement_history: entitlements
            .into_iter()
            .map(EntitlementEntry::from)
            .collect(),
        sanction_history: sanctions.into_iter().map(SanctionEntry::from).collect(),
        limit_history: limits.into_iter().map(LimitEntry::from).collect(),
    }))
}

impl From<EntitlementRecord> for EntitlementEntry {
    fn from(record: EntitlementRecord) -> Self {
        Self {
            record_id: record.record_id,
            tier: record.tier,
            source: record.source,
            reason: record.reason,
            actor: record.actor,
            ends_at: record.ends_at,
            created_at: record.created_at,
        }
    }
}

impl From<SanctionRecord> for SanctionEntry {
    fn from(record: SanctionRecord) -> Self {
        Self {
            record_id: record.record_id,
            sanction_code: record.code,
            action: record.action,
            reason: record.reason,
            actor: record.actor,
            expires_at: record.expires_at,
            created_at: record.created_at,
        }
    }
}

impl From<LimitRecord> for LimitEntry {
    fn from(record: LimitRecord) -> Self {
        Self {
            record_id: record.record_id,
            limit_code: record.code,
            action: record.action,
            value: record.value,
            reason: record.reason,
            actor: record.actor,
            expires_at: record.expires_at,
            created_at: record.created_at,
        }
    }
}

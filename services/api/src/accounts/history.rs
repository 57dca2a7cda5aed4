//! The history of an account in responses to operators.

use galaxy_core::{RecordId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{LimitCode, SanctionCode, Tier};

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
    #[serde(rename = "sanction_code")]
    pub code: SanctionCode,
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
    #[serde(rename = "limit_code")]
    pub code: LimitCode,
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

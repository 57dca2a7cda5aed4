//! What happened to accounts.

use galaxy_core::{OpenEnum, SanctionCode, Tier, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody signed in for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountCreated {
    /// Whose account.
    pub user_id: UserId,
}

/// An account was deleted, by its owner or an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountDeleted {
    /// Whose account.
    pub user_id: UserId,
}

/// An account was blocked for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountBlocked {
    /// Whose account.
    pub user_id: UserId,
}

/// A permanent block was lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountUnblocked {
    /// Whose account.
    pub user_id: UserId,
}

/// An account has another tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntitlementChanged {
    /// Whose account.
    pub user_id: UserId,
    /// The new tier: `free`, `monthly`, `yearly` or `permanent`.
    #[schema(value_type = String)]
    pub tier: OpenEnum<Tier>,
    /// When a paid tier ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// An operator restricted an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SanctionApplied {
    /// Whose account.
    pub user_id: UserId,
    /// Which restriction, such as `login_block`.
    #[schema(value_type = String)]
    pub sanction_code: OpenEnum<SanctionCode>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A restriction ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SanctionRemoved {
    /// Whose account.
    pub user_id: UserId,
    /// Which restriction.
    #[schema(value_type = String)]
    pub sanction_code: OpenEnum<SanctionCode>,
}

//! What happened to accounts.

use galaxy_core::{Timestamp, UserId};
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
    pub tier: String,
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
    pub sanction_code: String,
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
    pub sanction_code: String,
}

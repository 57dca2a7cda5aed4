//! Notifications that a producer asks for outright.

use galaxy_core::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody is to be told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationRequested {
    /// Which notification, from the notifier's table.
    pub kind: String,
    /// The same key asks for the same notification: it is given once.
    pub idempotency_key: String,
    /// Who is told; absent for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What the notification's text needs.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

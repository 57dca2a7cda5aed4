//! What happened to device sessions.

use galaxy_core::{DeviceSessionId, OpenEnum, RevocationReason, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionCreated {
    /// Whose account.
    pub user_id: UserId,
    /// The session.
    pub device_session_id: DeviceSessionId,
    /// Whether the account came into being with it: no new-device mail then.
    pub first: bool,
}

/// A session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRevoked {
    /// Whose account.
    pub user_id: UserId,
    /// The session.
    pub device_session_id: DeviceSessionId,
    /// Why: `revoked`, `replaced`, `account_deleted`, …
    #[schema(value_type = String)]
    pub reason: OpenEnum<RevocationReason>,
}

//! Operators' accounts in responses.

use galaxy_core::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::AdminAccount;

/// An operator's account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AdminAccount)]
pub struct AdminAccountView {
    /// Its name.
    #[schema(example = "root")]
    pub username: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was used last, to within minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl From<AdminAccount> for AdminAccountView {
    fn from(account: AdminAccount) -> Self {
        Self {
            username: account.username,
            enabled: account.disabled_at.is_none(),
            created_at: account.created_at,
            last_used_at: account.last_used_at,
            disabled_at: account.disabled_at,
        }
    }
}

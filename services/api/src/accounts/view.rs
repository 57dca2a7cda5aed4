//! How an account is shown to its owner.

use galaxy_core::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::Account;

/// The caller's account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Its id.
    pub user_id: UserId,
    /// The name other players see.
    #[schema(example = "Ada")]
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.user_id,
            display_name: account.display_name,
            created_at: account.created_at,
        }
    }
}

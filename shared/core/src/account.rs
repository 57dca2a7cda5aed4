//! What processes say about an account: its tier, its sanctions, and the state and end of its sessions.

use crate::text_enum::text_enum;

text_enum! {
    /// What an account pays for.
    Tier {
        /// Nothing.
        Free = "free",
        /// By the month.
        Monthly = "monthly",
        /// By the year.
        Yearly = "yearly",
        /// Once, without an end.
        Permanent = "permanent",
    }
}

text_enum! {
    /// A restriction that an operator puts on an account.
    SanctionCode {
        /// May not sign in; its sessions end.
        LoginBlock = "login_block",
        /// May not create games.
        GameCreateBlock = "game_create_block",
        /// May not manage its games.
        GameManageBlock = "game_manage_block",
        /// May not apply to games or redeem invites.
        GameJoinBlock = "game_join_block",
        /// May not change its profile.
        ProfileUpdateBlock = "profile_update_block",
        /// May do nothing, for ever; its address is blocked too.
        PermanentBlock = "permanent_block",
    }
}

impl SanctionCode {
    /// Why the account's sessions end when the sanction is applied; `None` if they go on.
    pub const fn revocation_reason(self) -> Option<RevocationReason> {
        match self {
            Self::LoginBlock => Some(RevocationReason::LoginBlock),
            Self::PermanentBlock => Some(RevocationReason::PermanentBlock),
            _ => None,
        }
    }
}

text_enum! {
    /// Whether a session may be used.
    SessionStatus {
        /// It may.
        Active = "active",
        /// It ended, for good.
        Revoked = "revoked",
    }
}

text_enum! {
    /// Why a session ended. Internal callers may give any other text, so events carry an
    /// [`OpenEnum`](crate::OpenEnum) of it.
    RevocationReason {
        /// The user ended it.
        Revoked = "revoked",
        /// The user has too many, and it was the oldest.
        Replaced = "replaced",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
        /// An operator blocked signing in.
        LoginBlock = "login_block",
        /// An operator blocked the account permanently.
        PermanentBlock = "permanent_block",
    }
}

//! Tiers, sanctions and limits: what an account may do and how much of it. Pure rules.

use galaxy_core::Timestamp;
use galaxy_core::text::{self, InvalidText};
pub use galaxy_core::{SanctionCode, Tier};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `Err` with a reason if a grant of `tier` must have an end and has none, or must not have one and has.
pub const fn check_end(tier: Tier, has_end: bool) -> Result<(), &'static str> {
    match (tier, has_end) {
        (Tier::Free, true) => Err("must be absent: the free tier does not end"),
        (Tier::Monthly | Tier::Yearly, false) => Err("must be given for monthly and yearly"),
        _ => Ok(()),
    }
}

/// An action that a sanction can forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Login,
    CreateGame,
    /// Change, open, start, … an own game, and decide over its applications, invites and members.
    ManageGame,
    /// Apply to a game or redeem an invite.
    JoinGame,
    UpdateProfile,
}

impl Action {
    pub const ALL: [Self; 5] = [
        Self::Login,
        Self::CreateGame,
        Self::ManageGame,
        Self::JoinGame,
        Self::UpdateProfile,
    ];

    /// The sanction that forbids only this action. A permanent block forbids everything.
    pub const fn forbidden_by(self) -> SanctionCode {
        match self {
            Self::Login => SanctionCode::LoginBlock,
            Self::CreateGame => SanctionCode::GameCreateBlock,
            Self::ManageGame => SanctionCode::GameManageBlock,
            Self::JoinGame => SanctionCode::GameJoinBlock,
            Self::UpdateProfile => SanctionCode::ProfileUpdateBlock,
        }
    }

    /// The sanction among `active` that forbids this action, a permanent block first.
    pub fn forbidden_among(self, active: &[SanctionCode]) -> Option<SanctionCode> {
        [SanctionCode::PermanentBlock, self.forbidden_by()]
            .into_iter()
            .find(|code| active.contains(code))
    }
}

/// A limit on how many objects of a kind an account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum LimitCode {
    /// Games owned that are neither finished nor cancelled.
    MaxOwnedGames,
    /// Active memberships in unfinished games.
    MaxActiveMemberships,
    /// Applications that wait for an answer.
    MaxPendingApplications,
    /// Registered race names.
    MaxRegisteredRaceNames,
}

impl LimitCode {
    pub const ALL: [Self; 4] = [
        Self::MaxOwnedGames,
        Self::MaxActiveMemberships,
        Self::MaxPendingApplications,
        Self::MaxRegisteredRaceNames,
    ];

    /// How much of this limit `tier` gives when no operator has set another value.
    pub const fn default_for(self, tier: Tier) -> u32 {
        let by_tier: [u32; 4] = match self {
            Self::MaxOwnedGames => [1, 5, 10, 50],
            Self::MaxActiveMemberships | Self::MaxPendingApplications => [5, 20, 50, 200],
            Self::MaxRegisteredRaceNames => [1, 2, 6, 100],
        };
        by_tier[tier as usize]
    }

    /// The limit's name in columns and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxOwnedGames => "max_owned_games",
            Self::MaxActiveMemberships => "max_active_memberships",
            Self::MaxPendingApplications => "max_pending_applications",
            Self::MaxRegisteredRaceNames => "max_registered_race_names",
        }
    }
}

/// The largest value an operator can set a limit to.
pub const LIMIT_VALUE_MAX: u32 = 1_000_000;

/// The tier of an account as it was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entitlement {
    pub tier: Tier,
    /// When it ends, for paid tiers.
    pub ends_at: Option<Timestamp>,
    /// Registered race names that the grant came with.
    pub max_registered_race_names: u32,
}

impl Entitlement {
    /// The entitlement of an account without a grant.
    pub const FREE: Self = Self {
        tier: Tier::Free,
        ends_at: None,
        max_registered_race_names: LimitCode::MaxRegisteredRaceNames.default_for(Tier::Free),
    };

    /// In force at `now`: an ended grant counts as free, even before the sweep replaces it.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.ends_at.is_some_and(|end| end <= now) {
            Self::FREE
        } else {
            self
        }
    }

    /// The value of `limit`: what an operator has set, else what the tier gives.
    pub fn effective_limit(self, limit: LimitCode, set: Option<u32>) -> u32 {
        set.unwrap_or(match limit {
            LimitCode::MaxRegisteredRaceNames => self.max_registered_race_names,
            other => other.default_for(self.tier),
        })
    }
}

/// A display name: 1–30 visible characters on one line, in NFC.
pub fn display_name(text: &str) -> Result<String, InvalidText> {
    text::line(text, 1, 30)
}

/// A reason that an operator gives: 1–1,000 characters on one line or several.
pub fn reason(text: &str) -> Result<String, InvalidText> {
    let reason = text::paragraph(text, 1_000)?;
    if reason.is_empty() || reason.chars().count() > 1_000 {
        return Err(InvalidText::Length { min: 1, max: 1_000 });
    }
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn an_action_is_forbidden_only_by_its_own_sanction_and_by_a_permanent_block() {
        for action in Action::ALL {
            for &code in SanctionCode::ALL {
                let forbids = code == SanctionCode::PermanentBlock || code == action.forbidden_by();
                assert_eq!(
                    action.forbidden_among(&[code]).is_some(),
                    forbids,
                    "{action:?} under {code:?}"
                );
            }
            assert_eq!(action.forbidden_among(&[]), None);
        }
    }

    #[test]
    fn a_grant_that_has_ended_gives_what_the_free_tier_gives() {
        let now = Timestamp::UNIX_EPOCH;
        let yearly = Entitlement {
            tier: Tier::Yearly,
            ends_at: Some(now + SignedDuration::from_secs(1)),
            max_registered_race_names: 6,
        };
        assert_eq!(yearly.at(now), yearly);
        assert_eq!(
            yearly.at(now + SignedDuration::from_secs(1)),
            Entitlement::FREE,
            "the end itself is outside"
        );
    }

    #[test]
    fn a_value_set_by_an_operator_overrides_that_of_the_tier() {
        for &tier in Tier::ALL {
            let held = Entitlement {
                tier,
                ends_at: None,
                max_registered_race_names: 7,
            };
            for limit in LimitCode::ALL {
                assert_eq!(held.effective_limit(limit, Some(0)), 0);
            }
            let names = held.effective_limit(LimitCode::MaxRegisteredRaceNames, None);
            assert_eq!(names, 7, "the grant's own figure");
            let games = held.effective_limit(LimitCode::MaxOwnedGames, None);
            assert_eq!(games, LimitCode::MaxOwnedGames.default_for(tier));
        }
    }

    #[test]
    fn only_paid_tiers_by_time_need_an_end() {
        let allowed: Vec<_> = Tier::ALL
            .iter()
            .map(|&tier| {
                (
                    check_end(tier, false).is_ok(),
                    check_end(tier, true).is_ok(),
                )
            })
            .collect();
        assert_eq!(
            allowed,
            [(true, false), (false, true), (false, true), (true, true)]
        );
    }

    #[test]
    fn a_reason_is_not_empty() {
        assert!(reason("").is_err() && reason("\n").is_err() && reason("spam").is_ok());
        assert!(reason(&"x".repeat(1_001)).is_err());
    }
}

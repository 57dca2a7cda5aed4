//! Accounts in responses.

use galaxy_core::{Timestamp, UserId};
use galaxy_notifications::Preferences;
use galaxy_store::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    model::{Entitlement, LimitCode, SanctionCode, Tier},
    store::{self, Account, ActiveLimit, ActiveSanction},
};

/// An account with the tier, sanctions and limits in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountView {
    /// Its id.
    pub user_id: UserId,
    /// The generated name; it never changes.
    #[schema(example = "player-7k2m9qxa")]
    pub user_name: String,
    /// The address that signs in.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The name other players see.
    #[schema(example = "Ada")]
    pub display_name: String,
    /// The language of mails.
    #[schema(example = "de")]
    pub preferred_language: String,
    /// IANA time zone.
    #[schema(example = "Europe/Vienna")]
    pub time_zone: String,
    /// ISO 3166-1 code of the country of the first sign-in, if it was known.
    #[schema(example = "AT")]
    pub declared_country: Option<String>,
    /// Which notifications are mailed, and the quiet hours.
    pub notifications: Preferences,
    /// The tier in force.
    pub entitlement: EntitlementView,
    /// The sanctions in force.
    pub sanctions: Vec<SanctionView>,
    /// The limits in force that operators have set.
    pub limits: Vec<LimitView>,
    /// The limits in force, from the tier or set by operators.
    pub effective_limits: EffectiveLimits,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// The tier in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Entitlement)]
pub struct EntitlementView {
    /// The tier.
    pub tier: Tier,
    /// When it ends, for paid tiers.
    pub ends_at: Option<Timestamp>,
    /// Registered race names that come with it.
    #[schema(example = 1)]
    pub max_registered_race_names: u32,
}

/// A sanction in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Sanction)]
pub struct SanctionView {
    /// Which.
    pub sanction_code: SanctionCode,
    /// Why.
    #[schema(example = "Abusive messages.")]
    pub reason: String,
    /// Since when.
    pub applied_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A limit that an operator has set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Limit)]
pub struct LimitView {
    /// Which.
    pub limit_code: LimitCode,
    /// How much.
    #[schema(example = 3)]
    pub value: u32,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// The values of all limits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct EffectiveLimits {
    /// Games owned that are neither finished nor cancelled.
    #[schema(example = 1)]
    pub max_owned_games: u32,
    /// Active memberships in unfinished games.
    #[schema(example = 5)]
    pub max_active_memberships: u32,
    /// Applications that wait for an answer.
    #[schema(example = 5)]
    pub max_pending_applications: u32,
    /// Registered race names.
    #[schema(example = 1)]
    pub max_registered_race_names: u32,
}

/// An account row with the entitlement, sanctions and limits in force.
#[derive(Debug, Clone)]
pub struct FullAccount {
    pub account: Account,
    entitlement: Entitlement,
    sanctions: Vec<ActiveSanction>,
    limits: Vec<ActiveLimit>,
}

impl FullAccount {
    /// Reads what is in force at `now`, of a deleted account too. `None` if there is no such account.
    pub async fn read(
        connection: &mut PgConnection,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let Some(account) = store::find(connection, user_id).await? else {
            return Ok(None);
        };
        Ok(Some(Self {
            account,
            entitlement: store::entitlement(connection, user_id).await?.at(now),
            sanctions: store::active_sanctions(connection, user_id, now).await?,
            limits: store::active_limits(connection, user_id, now).await?,
        }))
    }

    fn effective(&self, code: LimitCode) -> u32 {
        let set = self.limits.iter().find(|limit| limit.code == code);
        self.entitlement
            .effective_limit(code, set.map(|limit| limit.value))
    }
}

impl From<FullAccount> for AccountView {
    fn from(full: FullAccount) -> Self {
        let effective_limits = EffectiveLimits {
            max_owned_games: full.effective(LimitCode::MaxOwnedGames),
            max_active_memberships: full.effective(LimitCode::MaxActiveMemberships),
            max_pending_applications: full.effective(LimitCode::MaxPendingApplications),
            max_registered_race_names: full.effective(LimitCode::MaxRegisteredRaceNames),
        };
        let account = full.account;
        Self {
            user_id: account.user_id,
            user_name: account.user_name,
            email: account.delivery_email,
            display_name: account.display_name,
            preferred_language: account.preferred_language,
            time_zone: account.time_zone,
            declared_country: account.declared_country,
            notifications: Preferences::read(&account.notifications),
            entitlement: full.entitlement.into(),
            sanctions: full.sanctions.into_iter().map(SanctionView::from).collect(),
            limits: full.limits.into_iter().map(LimitView::from).collect(),
            effective_limits,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

impl From<Entitlement> for EntitlementView {
    fn from(entitlement: Entitlement) -> Self {
        Self {
            tier: entitlement.tier,
            ends_at: entitlement.ends_at,
            max_registered_race_names: entitlement.max_registered_race_names,
        }
    }
}

impl From<ActiveSanction> for SanctionView {
    fn from(sanction: ActiveSanction) -> Self {
        Self {
            sanction_code: sanction.code,
            reason: sanction.reason,
            applied_at: sanction.since,
            expires_at: sanction.expires_at,
        }
    }
}

impl From<ActiveLimit> for LimitView {
    fn from(limit: ActiveLimit) -> Self {
        Self {
            limit_code: limit.code,
            value: limit.value,
            expires_at: limit.expires_at,
        }
    }
}

//! Identifiers: one newtype over UUIDv7 (RFC 9562) per kind of thing, so that one is never taken for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id; ids made later on the same machine sort later.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The smallest id that can be made at `at`, for ranges of time over a primary key.
            pub fn first_at(at: Timestamp) -> Self {
                let milliseconds = u128::try_from(at.as_millisecond()).unwrap_or(0);
                Self(Uuid::from_u128(milliseconds << 80))
            }

            /// The bare UUID, for binding to a query.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// An account.
    UserId,
    /// A device that signed in.
    DeviceSessionId,
    /// One sent sign-in code.
    ChallengeId,
    /// A line in a log of changes: entitlement, sanction, limit.
    RecordId,
    /// A line of the audit log.
    AuditId,
    /// A game.
    GameId,
    /// A request to join a public game.
    ApplicationId,
    /// An invitation to a game.
    InviteId,
    /// A place in a game.
    MembershipId,
    /// A row of the race name directory.
    RaceNameId,
    /// A job on a game's engine.
    OperationId,
    /// One reading of an engine's health.
    SnapshotId,
    /// A domain event, also its `Nats-Msg-Id` and `ce-id`.
    EventId,
    /// A mail on its way.
    DeliveryId,
    /// The stored content of a mail.
    PayloadId,
    /// A notification to one user.
    NotificationId,
    /// One channel of a notification.
    RouteId,
    /// The holder of a lease: a new one for each claim, so that a late holder is recognised.
    LeaseToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_a_moment_is_between_those_before_and_after_it() {
        let before = EventId::generate();
        let (seconds, nanoseconds) = before.uuid().get_timestamp().unwrap().to_unix();
        let millisecond =
            i64::try_from(seconds).unwrap() * 1_000 + i64::from(nanoseconds / 1_000_000);
        let at = |later: i64| {
            Timestamp::from(jiff::Timestamp::from_millisecond(millisecond + later).unwrap())
        };
        assert!(EventId::first_at(at(0)) <= before);
        assert!(EventId::first_at(at(1)) > before);
    }
}

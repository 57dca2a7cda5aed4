//! The one type for an instant: in domain structs, JSON, cursors and queries alike.
//!
//! A newtype over [`jiff::Timestamp`], because the orphan rule does not let us implement sqlx's traits for that.
//! Accessors (`as_second`, `to_zoned`, ...) come through `Deref`; operations that give another instant are defined here.

use std::{
    fmt,
    ops::{Add, Deref, Sub},
    str::FromStr,
};

use jiff::{SignedDuration, TimestampArithmetic};
use serde::{Deserialize, Serialize};

/// An instant in UTC. Text and JSON are RFC 3339; Postgres keeps microseconds (`timestamptz`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);
    /// The last instant there is, in the year 9999.
    pub const MAX: Self = Self(jiff::Timestamp::MAX);

    /// `second` seconds after (or before) the epoch.
    pub fn from_second(second: i64) -> Result<Self, jiff::Error> {
        jiff::Timestamp::from_second(second).map(Self)
    }

    /// How long after `earlier` this is; negative if it is before.
    pub fn duration_since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// This plus `by`, a duration or a span of hours and less; the last instant there is if that is later.
    #[must_use]
    pub fn saturating_add(self, by: impl Into<TimestampArithmetic>) -> Self {
        self.0.saturating_add(by).map_or(self, Self)
    }

    /// This minus `by`, a duration or a span of hours and less; the first instant there is if that is earlier.
    #[must_use]
    pub fn saturating_sub(self, by: impl Into<TimestampArithmetic>) -> Self {
        self.0.saturating_sub(by).map_or(self, Self)
    }
}

impl Deref for Timestamp {
    type Target = jiff::Timestamp;

    fn deref(&self) -> &jiff::Timestamp {
        &self.0
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self(at)
    }
}

impl<D> Add<D> for Timestamp
where
    jiff::Timestamp: Add<D, Output = jiff::Timestamp>,
{
    type Output = Self;

    fn add(self, by: D) -> Self {
        Self(self.0 + by)
    }
}

impl<D> Sub<D> for Timestamp
where
    jiff::Timestamp: Sub<D, Output = jiff::Timestamp>,
{
    type Output = Self;

    fn sub(self, by: D) -> Self {
        Self(self.0 - by)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

#[cfg(feature = "sqlx")]
mod sql {
    use jiff_sqlx::{Timestamp as Column, ToSqlx};
    use sqlx::{
        Decode, Encode, Postgres, Type,
        encode::IsNull,
        error::BoxDynError,
        postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
    };

    use super::Timestamp;

    impl Type<Postgres> for Timestamp {
        fn type_info() -> PgTypeInfo {
            Column::type_info()
        }
    }

    impl PgHasArrayType for Timestamp {
        fn array_type_info() -> PgTypeInfo {
            Column::array_type_info()
        }
    }

    impl Encode<'_, Postgres> for Timestamp {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            self.0.to_sqlx().encode_by_ref(buffer)
        }
    }

    impl<'r> Decode<'r, Postgres> for Timestamp {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            Column::decode(value).map(|at| Self(at.to_jiff()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_are_rfc_3339() {
        let text = "2026-01-15T12:00:00.000001Z";
        let at: Timestamp = text.parse().unwrap();
        assert_eq!(at.to_string(), text);
        assert_eq!(serde_json::to_value(at).unwrap(), text);
        assert_eq!(
            serde_json::from_value::<Timestamp>(text.into()).unwrap(),
            at
        );
    }

    #[test]
    fn arithmetic_stops_at_the_last_instant() {
        let hour = SignedDuration::from_hours(1);
        assert_eq!(Timestamp::MAX.saturating_add(hour), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.saturating_sub(hour), Timestamp::MAX - hour);
        let later = Timestamp::UNIX_EPOCH + hour;
        assert_eq!(later.duration_since(Timestamp::UNIX_EPOCH), hour);
        assert_eq!(Timestamp::UNIX_EPOCH.duration_since(later), -hour);
    }
}

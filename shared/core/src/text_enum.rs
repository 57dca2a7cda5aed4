//! Enums that are stored, sent and shown as fixed texts, and how a receiver reads a text that it does not know.
//!
//! [`text_enum`] makes the enum; inside a process its values are always known. A field of an event is an [`OpenEnum`]:
//! a newer process may send a value that this version does not have, and that must not stop a consumer.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An enum with one text a value, in JSON, in columns of type `text` and in [`Display`](std::fmt::Display) alike.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text"))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $(
                $(#[$value_doc])*
                #[serde(rename = $text)]
                #[cfg_attr(feature = "sqlx", sqlx(rename = $text))]
                #[cfg_attr(feature = "openapi", schema(rename = $text))]
                $value,
            )+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The text of the value in JSON, columns and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$value),)+
                    _ => Err($crate::text_enum::UnknownText),
                }
            }
        }
    };
}

pub(crate) use text_enum;

/// The text is not one of the enum's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a value that this version knows")]
pub struct UnknownText;

/// A value of `T`, or a text that this version does not know; it is compared with values of `T`, and an unknown text is
/// unequal to all of them. It is written exactly as it was read, so what passes through an old process is not lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OpenEnum<T> {
    /// A value of this version.
    Known(T),
    /// Any other text: of a newer version, or free text where the field allows it.
    Other(String),
}

impl<T: Copy> OpenEnum<T> {
    /// The value, if this version knows it.
    pub const fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for OpenEnum<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: FromStr> FromStr for OpenEnum<T> {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(T::from_str(text).map_or_else(|_| Self::Other(text.to_owned()), Self::Known))
    }
}

impl<T: PartialEq> PartialEq<T> for OpenEnum<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(value) if value == other)
    }
}

impl<T: fmt::Display> fmt::Display for OpenEnum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Op, RuntimeStatus};

    #[test]
    fn the_text_of_a_value_is_the_same_in_json_and_when_parsed() {
        for status in RuntimeStatus::ALL {
            let json = format!("\"{status}\"");
            assert_eq!(serde_json::to_string(status).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<RuntimeStatus>(&json).unwrap(),
                *status
            );
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        assert_eq!("RUNNING".parse::<RuntimeStatus>(), Err(UnknownText));
        assert!(serde_json::from_str::<RuntimeStatus>("\"hibernating\"").is_err());
    }

    #[test]
    fn an_open_enum_keeps_a_text_of_a_newer_version() {
        let newer: OpenEnum<Op> = serde_json::from_str("\"migrate\"").unwrap();
        assert_eq!(newer.known(), None);
        assert!(Op::ALL.iter().all(|op| newer != *op));
        assert_eq!(serde_json::to_string(&newer).unwrap(), "\"migrate\"");
        assert_eq!(newer.to_string(), "migrate");
        assert_eq!("migrate".parse(), Ok(newer));
    }

    #[test]
    fn an_open_enum_reads_a_known_text_as_its_value() {
        let start: OpenEnum<Op> = serde_json::from_str("\"start\"").unwrap();
        assert_eq!(start, OpenEnum::from(Op::Start));
        assert_eq!(start, Op::Start);
        assert_ne!(start, Op::Stop);
        assert_eq!(serde_json::to_string(&start).unwrap(), "\"start\"");
        assert!(serde_json::from_str::<OpenEnum<Op>>("7").is_err());
    }
}

//! A position in the push stream as gateways hold it: an opaque text.

use std::{fmt, str::FromStr};

use galaxy_events::{StreamIdentity, StreamPosition};

/// A position right behind one message of one stream.
///
/// The mark distinguishes two messages with the same sequence in a stream of the same creation. That
/// happens when an older copy of the broker's storage is restored: a gateway that resumed behind a
/// message that is no longer there would miss the one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The stream, and the sequence of the last message that was handled.
    pub position: StreamPosition,
    /// When the broker stored that message, nanoseconds since the Unix epoch; 0 when not known.
    pub mark: u64,
}

/// The text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "1.{:x}.{:x}.{:x}",
            self.position.stream.0, self.position.sequence, self.mark
        )
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let mut parts = text.split('.');
        if parts.next() != Some("1") {
            return Err(NotACursor);
        }
        let mut number = || -> Result<u64, NotACursor> {
            let part = parts.next().ok_or(NotACursor)?;
            u64::from_str_radix(part, 16).map_err(|_| NotACursor)
        };
        let cursor = Self {
            position: StreamPosition {
                stream: StreamIdentity(number()?),
                sequence: number()?,
            },
            mark: number()?,
        };
        // One position has one text: signs, leading zeros and capitals are refused.
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(NotACursor)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(stream: u64, sequence: u64, mark: u64) {
            let position = StreamPosition { stream: StreamIdentity(stream), sequence };
            let cursor = Cursor { position, mark };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn any_other_text_is_refused_and_never_panics(text in "[01]?\\.?[0-9a-fA-F+.]{0,30}|.*") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn near_misses_are_refused() {
        for text in [
            "",
            "1",
            "1.2.3",
            "2.1.1.1",
            "1.1.1.1.1",
            "1.01.1.1",
            "1.A.1.1",
            "1.+1.1.1",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}

//! The position of a relay or a reader in a JetStream stream: which stream it is, and the sequence of the last message.
//!
//! The name does not identify a stream: one that is deleted and created again counts its messages from 1. Its creation time
//! does. A stream of the same creation can end at a lower sequence than before when an older copy of its data is restored.

use std::{fmt, num::ParseIntError, str::FromStr};

use async_nats::jetstream::stream::Info;

/// Identifies a stream for its whole life: its creation time in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamIdentity(pub u64);

/// A position right behind one message of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamPosition {
    /// The stream.
    pub stream: StreamIdentity,
    /// Sequence of the last message; 0 before the first one.
    pub sequence: u64,
}

impl StreamPosition {
    /// The end of a stream as the broker describes it.
    pub(crate) fn end_of(info: &Info) -> Self {
        Self {
            stream: StreamIdentity(nanoseconds(info.created)),
            sequence: info.state.last_sequence,
        }
    }

    /// Whether a stream that ends at `end` still has everything up to this position: it is the same stream, and did not
    /// go back.
    pub fn is_within(self, end: Self) -> bool {
        self.stream == end.stream && self.sequence <= end.sequence
    }
}

impl fmt::Display for StreamIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for StreamIdentity {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A time of the broker in nanoseconds since the Unix epoch.
pub(crate) fn nanoseconds(time: async_nats::datetime::DateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(stream: u64, sequence: u64) -> StreamPosition {
        StreamPosition {
            stream: StreamIdentity(stream),
            sequence,
        }
    }

    #[test]
    fn a_position_is_lost_with_another_stream_or_one_that_went_back() {
        let end = position(7, 5);
        for (sequence, within) in [(0, true), (4, true), (5, true), (6, false)] {
            assert_eq!(position(7, sequence).is_within(end), within, "{sequence}");
            assert!(!position(8, sequence).is_within(end), "another stream");
        }
    }

    #[test]
    fn an_identity_survives_its_text() {
        let identity = StreamIdentity(1_768_478_400_123_456_789);
        assert_eq!(identity.to_string(), "1768478400123456789");
        assert_eq!(identity.to_string().parse(), Ok(identity));
        assert!("".parse::<StreamIdentity>().is_err());
    }
}

//! Messages about the stream itself, encoded.

use bytes::Bytes;
use galaxy_core::Timestamp;
use galaxy_proto::push::v1::{
    PushEvent, StreamStatus,
    push_event::Event,
    stream_status::{Heartbeat, Lagged, Reset, Resumed, Status},
};
use prost::Message;

use crate::cursor::Cursor;

pub fn resumed(at: Timestamp, from: Cursor) -> Bytes {
    encode(
        at,
        from,
        Status::Resumed(Resumed {
            from: from.to_string(),
        }),
    )
}

pub fn reset(at: Timestamp, position: Cursor, reason: &str) -> Bytes {
    encode(
        at,
        position,
        Status::Reset(Reset {
            reason: reason.to_owned(),
        }),
    )
}

pub fn lagged(at: Timestamp, before: Cursor, dropped: u64, from: Cursor, to: Cursor) -> Bytes {
    let (from, to) = (from.to_string(), to.to_string());
    encode(at, before, Status::Lagged(Lagged { dropped, from, to }))
}

pub fn heartbeat(at: Timestamp, position: Cursor) -> Bytes {
    encode(at, position, Status::Heartbeat(Heartbeat {}))
}

fn encode(at: Timestamp, position: Cursor, status: Status) -> Bytes {
    let event = PushEvent {
        cursor: position.to_string(),
        at: Some(timestamp(at)),
        event: Some(Event::Status(StreamStatus {
            status: Some(status),
        })),
        traceparent: String::new(),
    };
    event.encode_to_vec().into()
}

/// A time as protobuf writes it.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let nanos = at.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}

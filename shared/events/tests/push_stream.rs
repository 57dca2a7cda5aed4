//! The reader of the push stream against a real broker.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use async_nats::{
    HeaderMap,
    jetstream::{self, stream::Config},
};
use galaxy_events::{
    StreamIdentity,
    push_stream::{PushMessage, PushReader, PushSignal},
};
use uuid::Uuid;

struct Stream {
    name: String,
    subject: String,
    client: async_nats::Client,
    context: jetstream::Context,
}

impl Stream {
    async fn create() -> Self {
        let id = Uuid::now_v7().simple();
        let client = async_nats::connect(galaxy_testkit::nats_url())
            .await
            .unwrap();
        let stream = Self {
            name: format!("TEST_PUSH_{id}"),
            subject: format!("test.push.{id}"),
            context: jetstream::new(client.clone()),
            client,
        };
        stream.make().await;
        stream
    }

    async fn make(&self) {
        let config = Config {
            name: self.name.clone(),
            subjects: vec![self.subject.clone()],
            ..Config::default()
        };
        self.context.create_stream(config).await.unwrap();
    }

    async fn delete(&self) {
        self.context.delete_stream(&self.name).await.unwrap();
    }

    async fn publish(&self, text: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("ce-time", "2026-01-15T12:00:00Z");
        headers.insert("traceparent", "00-trace");
        let body = text.to_owned().into();
        let published = self
            .context
            .publish_with_headers(self.subject.clone(), headers, body);
        published.await.unwrap().await.unwrap();
    }

    fn reader(&self) -> PushReader {
        PushReader::of(self.client.clone(), &self.name)
    }
}

async fn next(reader: &mut PushReader) -> PushSignal {
    tokio::time::timeout(Duration::from_secs(20), reader.next())
        .await
        .unwrap()
}

async fn message(reader: &mut PushReader) -> PushMessage {
    match next(reader).await {
        PushSignal::Message(message) => message,
        other => panic!("{other:?} instead of a message"),
    }
}

/// Identity, first and last sequence of a stream that is found open.
async fn opened(reader: &mut PushReader) -> (StreamIdentity, u64, u64) {
    match next(reader).await {
        PushSignal::Opened {
            stream,
            first,
            last,
        } => (stream, first, last),
        other => panic!("{other:?} instead of an open stream"),
    }
}

#[tokio::test]
async fn a_reader_gets_all_that_the_stream_holds_and_then_what_comes() {
    let stream = Stream::create().await;
    for text in ["a", "b", "c"] {
        stream.publish(text).await;
    }
    let mut reader = stream.reader();
    let (_, first, last) = opened(&mut reader).await;
    assert_eq!((first, last), (1, 3));
    for (sequence, text) in [(1, "a"), (2, "b"), (3, "c")] {
        let message = message(&mut reader).await;
        assert_eq!(
            (message.sequence, &message.payload[..]),
            (sequence, text.as_bytes())
        );
        assert_eq!(message.time.unwrap().to_string(), "2026-01-15T12:00:00Z");
        assert_eq!(message.traceparent.as_deref(), Some("00-trace"));
    }
    stream.publish("d").await;
    assert_eq!(message(&mut reader).await.sequence, 4);
    stream.delete().await;
}

#[tokio::test]
async fn a_stream_that_was_created_again_is_detected_and_read_from_its_beginning() {
    let stream = Stream::create().await;
    for text in ["a", "b"] {
        stream.publish(text).await;
    }
    let mut reader = stream.reader();
    let (before, ..) = opened(&mut reader).await;
    message(&mut reader).await;
    message(&mut reader).await;
    stream.delete().await;
    stream.make().await;
    stream.publish("new").await;
    assert!(matches!(next(&mut reader).await, PushSignal::Interrupted));
    let (identity, first, last) = opened(&mut reader).await;
    assert_eq!((first, last), (1, 1));
    assert_ne!(identity, before);
    assert_eq!(&message(&mut reader).await.payload[..], b"new");
    stream.delete().await;
}

#[tokio::test]
async fn a_stream_without_messages_is_opened_behind_its_last_sequence() {
    let stream = Stream::create().await;
    for text in ["a", "b"] {
        stream.publish(text).await;
    }
    let handle = stream.context.get_stream(&stream.name).await.unwrap();
    handle.purge().await.unwrap();
    let mut reader = stream.reader();
    let (_, first, last) = opened(&mut reader).await;
    assert_eq!((first, last), (3, 2), "it holds nothing");
    stream.publish("c").await;
    assert_eq!(message(&mut reader).await.sequence, 3);
    stream.delete().await;
}

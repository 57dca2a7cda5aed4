//! A listener over real connections: bounds of requests, and the end of connections when the process drains.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo, routing::get};
use galaxy_http::serve::{self, Bound, Limits};
use galaxy_service::Tasks;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(10);

struct World {
    tasks: Tasks,
    address: SocketAddr,
    /// Notified when a request of `/held` arrives.
    arrived: Arc<Notify>,
    /// Ends a request of `/held`.
    release: Arc<Notify>,
}

impl World {
    async fn with(limits: Limits) -> Self {
        let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (arriving, released) = (arrived.clone(), release.clone());
        let held = get(async move || {
            arriving.notify_one();
            released.notified().await;
            "finished"
        });
        let peer =
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() });
        let router = Router::new().route("/", peer).route("/held", held);
        let tasks = Tasks::new();
        let bound = Bound::bind("TEST", ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = bound.address;
        serve::spawn(&tasks, "test", bound, router, &limits);
        Self {
            tasks,
            address,
            arrived,
            release,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Sends a request and keeps the connection.
async fn request(stream: &mut TcpStream, path: &str, more: &str) {
    let text = format!("GET {path} HTTP/1.1\r\nhost: test\r\n{more}\r\n");
    // A server that has refused the head early may have closed its side already.
    let _ = stream.write_all(text.as_bytes()).await;
}

/// The next bytes of an answer; empty once the server has closed the connection.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let read = timeout(DEADLINE, stream.read(&mut bytes)).await.unwrap();
    String::from_utf8(bytes[..read.unwrap_or(0)].to_vec()).unwrap()
}

#[tokio::test]
async fn handlers_know_the_peer_of_their_connection() {
    let world = World::with(Limits::default()).await;
    let mut stream = world.connect().await;
    request(&mut stream, "/", "").await;
    let text = answer(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(
        text.ends_with(&stream.local_addr().unwrap().to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused_with_431() {
    let world = World::with(Limits::default()).await;
    for (bytes, status) in [(10_000, "200"), (20_000, "431")] {
        let mut stream = world.connect().await;
        request(
            &mut stream,
            "/",
            &format!("x-long: {}\r\n", "x".repeat(bytes)),
        )
        .await;
        let text = answer(&mut stream).await;
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} ")),
            "{bytes}: {text}"
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head_is_disconnected() {
    let limits = Limits {
        header_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let mut stream = world.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: te")
        .await
        .unwrap();
    assert_eq!(answer(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_until_another_one_ends() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let mut first = world.connect().await;
    request(&mut first, "/", "").await;
    assert!(answer(&mut first).await.contains("200 OK"));
    let mut second = world.connect().await;
    request(&mut second, "/", "").await;
    let early = timeout(Duration::from_millis(100), answer(&mut second)).await;
    assert!(early.is_err(), "two connections are served");
    drop(first);
    assert!(answer(&mut second).await.contains("200 OK"));
}

#[tokio::test]
async fn a_request_in_flight_is_finished_when_the_process_drains() {
    let world = World::with(Limits::default()).await;
    let mut stream = world.connect().await;
    request(&mut stream, "/held", "").await;
    world.arrived.notified().await;
    let (drained, text) = tokio::join!(world.tasks.shut_down(DEADLINE), async {
        world.tasks.draining().cancelled().await;
        world.release.notify_one();
        answer(&mut stream).await
    });
    assert!(drained, "the listener did not end");
    assert!(text.ends_with("finished"), "{text}");
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn idle_connections_do_not_delay_a_drain_even_if_they_are_all_that_is_allowed() {
    for connections in [1, 10] {
        let limits = Limits {
            connections,
            ..Limits::default()
        };
        let world = World::with(limits).await;
        let mut stream = world.connect().await;
        request(&mut stream, "/", "").await;
        assert!(answer(&mut stream).await.contains("200 OK"));
        let started = Instant::now();
        assert!(world.tasks.shut_down(DEADLINE).await, "{connections}");
        assert!(started.elapsed() < DEADLINE / 2);
        assert_eq!(answer(&mut stream).await, "", "the connection is closed");
    }
}

#[tokio::test]
async fn a_request_that_outlasts_the_deadline_is_aborted() {
    let world = World::with(Limits::default()).await;
    let mut stream = world.connect().await;
    request(&mut stream, "/held", "").await;
    world.arrived.notified().await;
    assert!(!world.tasks.shut_down(Duration::from_millis(100)).await);
    assert_eq!(answer(&mut stream).await, "");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_variable() {
    let taken = Bound::bind("FIRST", ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let error = Bound::bind("BACKEND_LISTEN_ADDR", taken.address)
        .await
        .err()
        .unwrap();
    let text = format!("{error:#}");
    assert!(
        text.contains("Set BACKEND_LISTEN_ADDR to another address"),
        "{text}"
    );
}

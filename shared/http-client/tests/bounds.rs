//! The client against servers that misbehave: every call ends, in time and with bounded memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use galaxy_http_client::{Error, HttpClient, Limits, with_json};
use http::{Request, StatusCode};

/// A request as the server read it, and the number of its connection.
struct Received {
    connection: usize,
    head: String,
    body: String,
}

/// Answers every request with `answer` as it is and keeps the connection open.
fn server(answer: &'static str) -> (SocketAddr, mpsc::Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let (stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || serve(connection, stream, answer, &sender));
        }
    });
    (address, received)
}

fn serve(connection: usize, mut stream: TcpStream, answer: &str, sender: &mpsc::Sender<Received>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(received) = read(connection, &mut reader) {
        let _ = sender.send(received);
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(connection: usize, reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        connection,
        head,
        body: String::from_utf8(body).unwrap(),
    })
}

fn client() -> HttpClient {
    HttpClient::new(Limits {
        deadline: Duration::from_millis(500),
        body: 10,
        ..Limits::default()
    })
}

fn get(address: SocketAddr) -> Request<bytes::Bytes> {
    with_json(Request::get(format!("http://{address}/path?a=b")), None).unwrap()
}

#[tokio::test]
async fn a_json_body_is_sent_with_its_type_and_the_answer_is_read_whole() {
    let (address, received) =
        server("HTTP/1.1 409 Conflict\r\nx-why: because\r\ncontent-length: 10\r\n\r\n0123456789");
    let request = Request::post(format!("http://{address}/things"));
    let answer = client()
        .send(with_json(request, Some("{}".into())).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(answer.headers()["x-why"], "because");
    assert_eq!(answer.body(), "0123456789");
    let received = received.recv().unwrap();
    assert!(received.head.starts_with("POST /things HTTP/1.1\r\n"));
    assert!(received.head.contains("content-type: application/json\r\n"));
    assert!(received.head.contains(&format!("host: {address}\r\n")));
    assert_eq!(received.body, "{}");
}

#[tokio::test]
async fn a_request_without_a_body_has_no_content_type() {
    let (address, received) = server("HTTP/1.1 204 No Content\r\n\r\n");
    client().send(get(address)).await.unwrap();
    let received = received.recv().unwrap();
    assert!(received.head.starts_with("GET /path?a=b HTTP/1.1\r\n"));
    assert!(!received.head.contains("content-type"), "{}", received.head);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, received) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let client = client();
    for _ in 0..3 {
        client.send(get(address)).await.unwrap();
    }
    let connections: Vec<usize> = received.try_iter().map(|r| r.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (elsewhere, nothing) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _received) = server(redirect.leak());
    let answer = client().send(get(address)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert!(nothing.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_is_silent_or_slow_ends_at_the_deadline() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234",
    ] {
        let (address, _received) = server(answer);
        let (started, deadline) = (Instant::now(), Duration::from_millis(100));
        let outcome = client().send_within(deadline, get(address)).await;
        assert!(
            matches!(outcome, Err(Error::Timeout(at)) if at == deadline),
            "{answer:?}: {outcome:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n0123456789a",
        // Announced only: it is refused without waiting for the rest.
        "HTTP/1.1 200 OK\r\ncontent-length: 4000000000\r\n\r\n0123456789a",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
    ] {
        let (address, _received) = server(answer);
        let outcome = client().send(get(address)).await;
        assert!(
            matches!(outcome, Err(Error::TooLarge(10))),
            "{answer:?}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_refused() {
    let (address, _received) =
        server(format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20)).leak());
    let outcome = client()
        .send_within(Duration::from_secs(10), get(address))
        .await;
    assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn errors_of_a_refused_and_of_a_broken_connection_name_their_causes() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let Err(Error::Unreachable(causes)) = client().send(get(unused)).await else {
        panic!("there is no server")
    };
    assert!(causes.contains("Connection refused"), "{causes}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1_024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0");
    });
    let outcome = client().send(get(address)).await;
    assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_request_that_is_not_valid_is_refused_before_it_is_sent() {
    let request = Request::get("http://127.0.0.1:1/with spaces");
    assert!(matches!(with_json(request, None), Err(Error::Invalid(_))));
    let https = with_json(Request::get("https://127.0.0.1:1/"), None).unwrap();
    let outcome = client().send(https).await;
    assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
}

//! The engine client against engines that misbehave: everything is bounded, nothing is followed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use galaxy_core::GameId;
use galaxy_runtime::{
    EngineToken,
    engine::{EngineAddress, EngineClient, EngineError, Limits},
};
use uuid::Uuid;

/// Answers each connection with `answer` and then hangs; gives what was asked.
fn engine(answer: String) -> (EngineAddress, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut open = vec![];
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).unwrap();
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = asked.send(text);
            let _ = stream.write_all(answer.as_bytes());
            open.push(stream);
        }
    });
    (address(&endpoint), requests)
}

fn address(endpoint: &str) -> EngineAddress {
    EngineAddress {
        game_id: GameId::generate(),
        endpoint: endpoint.parse().unwrap(),
        token: Some(EngineToken::stored("a-token-of-an-engine".to_owned())),
    }
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client() -> EngineClient {
    EngineClient::new(Limits {
        call: Duration::from_millis(500),
        turn: Duration::from_millis(500),
        answer: 1_000,
        ..Limits::default()
    })
}

#[tokio::test]
async fn the_player_is_set_by_us_and_the_list_goes_through_as_it_is() {
    let (endpoint, requests) = engine(answer("200 OK", r#"{"results":[]}"#));
    let player = Uuid::from_u128(7);
    let orders = serde_json::json!([{ "type": "send_ships", "player_id": "mine" }]);
    let said = client().order(&endpoint, player, &orders).await.unwrap();
    assert_eq!(said, r#"{"results":[]}"#);
    let asked = requests.recv().unwrap();
    assert!(
        asked.starts_with("PUT /api/v1/order HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.ends_with(&format!(r#"{{"player_id":"{player}","orders":{orders}}}"#)),
        "{asked}"
    );
}

#[tokio::test]
async fn a_refusal_keeps_the_engines_words_within_bounds() {
    let long = format!(
        r#"{{"error":{{"code":"not_your_planet","message":"no\u0007 {}"}}}}"#,
        "x".repeat(600)
    );
    let (endpoint, _) = engine(answer("409 Conflict", &long));
    let refused = client().status(&endpoint).await.unwrap_err();
    let EngineError::Refused {
        status,
        code,
        message,
    } = refused
    else {
        unreachable!("{refused}");
    };
    assert_eq!(
        (status, &code[..], message.chars().count()),
        (409, "not_your_planet", 300)
    );
    assert!(message.starts_with("no\u{fffd} xxx"), "{message}");
}

#[tokio::test]
async fn an_engine_that_hangs_is_given_up_in_time() {
    let (endpoint, _) = engine(String::new());
    assert_eq!(client().turn(&endpoint, 1).await, Err(EngineError::Timeout));
    let (endpoint, _) = engine("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{".to_owned());
    assert_eq!(client().turn(&endpoint, 1).await, Err(EngineError::Timeout));
}

#[tokio::test]
async fn garbage_and_answers_too_large_are_refused() {
    for body in [
        "nonsense",
        "{}",
        r#"{"game_id":1}"#,
        r#"{"game_id":1,"turn":-1}"#,
    ] {
        let (endpoint, _) = engine(answer("200 OK", body));
        let error = client().status(&endpoint).await.unwrap_err();
        assert!(matches!(error, EngineError::Garbage(_)), "{error}");
    }
    let (endpoint, _) = engine(answer("200 OK", &format!("\"{}\"", "x".repeat(2_000))));
    let error = client().status(&endpoint).await.unwrap_err();
    assert_eq!(error, EngineError::TooLarge(1_000));
    let (endpoint, _) = engine(answer("200 OK", "not json"));
    let report = client().report(&endpoint, Uuid::nil(), 1).await;
    assert!(matches!(report, Err(EngineError::Garbage(_))));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, asked) = engine(answer("200 OK", "{}"));
    let (endpoint, _) = engine(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/healthz\r\ncontent-length: 0\r\n\r\n",
        elsewhere.endpoint
    ));
    let error = client().healthz(&endpoint).await.unwrap_err();
    assert!(matches!(error, EngineError::Garbage(_)), "{error}");
    assert!(asked.try_recv().is_err(), "nobody else was asked");
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_a_failure_is_told_from_a_refusal() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = address(&format!("http://{gone}"));
    let error = client().healthz(&endpoint).await.unwrap_err();
    assert!(matches!(error, EngineError::Unreachable(_)), "{error}");
    assert!(error.is_transient());
    let (endpoint, _) = engine(answer("500 Internal Server Error", "{}"));
    assert_eq!(
        client().healthz(&endpoint).await,
        Err(EngineError::Failed {
            status: 500,
            message: "The engine did not say why.".to_owned()
        })
    );
}

#[tokio::test]
async fn every_call_names_its_game_and_knows_the_token() {
    let (engine, requests) = engine(answer("200 OK", "{}"));
    client().healthz(&engine).await.unwrap();
    let asked = requests.recv().unwrap();
    for header in [
        format!("x-galaxy-game-id: {}", engine.game_id),
        "authorization: Bearer a-token-of-an-engine".to_owned(),
    ] {
        assert!(asked.contains(&format!("\r\n{header}\r\n")), "{asked}");
    }
    assert!(
        !format!("{engine:?}").contains("a-token"),
        "it is not logged"
    );
}

#[tokio::test]
async fn another_engine_at_the_address_is_an_absence_and_a_busy_one_is_asked_again() {
    for status in ["401 Unauthorized", "421 Misdirected Request"] {
        let (engine, _) = engine(answer(status, "{}"));
        let error = client().status(&engine).await.unwrap_err();
        assert_eq!(error, EngineError::WrongEngine);
        assert!(error.is_absence());
    }
    for (status, code) in [
        ("408 Request Timeout", 408),
        ("425 Too Early", 425),
        ("429 Too Many Requests", 429),
    ] {
        let (engine, _) = engine(answer(status, "{}"));
        let error = client().status(&engine).await.unwrap_err();
        assert_eq!(error, EngineError::Busy(code));
        assert!(error.is_transient());
    }
}

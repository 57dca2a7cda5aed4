//! The inbox as clients see it: SMTP conversations byte by byte, faults, and Mailpit's JSON.

#![cfg(test)]

use std::time::Duration;

use galaxy_stack::{
    inbox::{Action, Fault, Inbox, Stage},
    web,
};
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const WITHIN: Duration = Duration::from_secs(20);

async fn inbox() -> Inbox {
    let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Inbox::start(smtp, http).unwrap()
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(inbox: &Inbox) -> Self {
        let mut client = Self::silent(inbox).await;
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    async fn silent(inbox: &Inbox) -> Self {
        Self(BufReader::new(
            TcpStream::connect(inbox.smtp_address()).await.unwrap(),
        ))
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The last line of a reply; empty if the connection was closed.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            tokio::time::timeout(WITHIN, self.0.read_line(&mut line))
                .await
                .unwrap()
                .unwrap_or(0);
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn command(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.answer().await
    }

    async fn expect(&mut self, line: &str, status: &str) {
        let answer = self.command(line).await;
        assert!(answer.starts_with(status), "{line}: {answer}");
    }

    async fn envelope(&mut self, recipient: &str) {
        self.expect("EHLO test", "250").await;
        self.expect("MAIL FROM:<galaxy@example.org>", "250").await;
        self.expect(&format!("RCPT TO:<{recipient}>"), "250").await;
    }
}

const MAIL: &str = "From: Galaxy <galaxy@example.org>\r\nTo: Ada <ada@example.org>\r\nMessage-ID: <m1@galaxy>\r\nSubject: Your code\r\n\r\n123456\r\n.";

#[tokio::test]
async fn a_conversation_keeps_the_mail_and_undoes_dot_stuffing() {
    let inbox = inbox().await;
    let mut client = Client::connect(&inbox).await;
    client.expect("HELO test", "250").await;
    client.expect("RCPT TO:<ada@example.org>", "503").await;
    client
        .expect("MAIL FROM:<galaxy@example.org> SIZE=100", "250")
        .await;
    client.expect("DATA", "503").await;
    client.expect("RCPT TO:<ada@example.org>", "250").await;
    client.expect("NOOP", "250").await;
    client.expect("DATA", "354").await;
    client
        .expect("Subject: dots\r\n\r\n..one\r\n...\r\nplain\r\n.", "250")
        .await;
    let mail = inbox
        .wait_for(WITHIN, |mail| mail.subject == "dots")
        .await
        .unwrap();
    assert!(
        mail.raw.ends_with(b"\r\n.one\r\n..\r\nplain\r\n"),
        "{:?}",
        String::from_utf8_lossy(&mail.raw)
    );
    client.expect("RSET", "250").await;
    client.expect("NONSENSE", "500").await;
    client.expect("QUIT", "221").await;
}

#[tokio::test]
async fn commands_may_be_pipelined_and_any_login_is_accepted() {
    let inbox = inbox().await;
    let mut client = Client::connect(&inbox).await;
    client.expect("EHLO test", "250").await;
    client.expect("AUTH PLAIN AGEAYg==", "235").await;
    client.expect("AUTH LOGIN", "334").await;
    client.expect("YQ==", "334").await;
    client.expect("Yg==", "235").await;
    client
        .send("MAIL FROM:<>\r\nRCPT TO:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n")
        .await;
    for status in ["250", "250", "250", "354"] {
        assert!(client.answer().await.starts_with(status));
    }
    client.expect(MAIL, "250").await;
    assert_eq!(
        inbox.store().get("latest").unwrap().recipients,
        ["a@x.org", "b@x.org"]
    );
}

#[tokio::test]
async fn a_mail_beyond_the_limit_is_refused_declared_or_not() {
    let inbox = inbox().await;
    let mut client = Client::connect(&inbox).await;
    client.expect("EHLO test", "250").await;
    client
        .expect("MAIL FROM:<a@x.org> SIZE=99999999", "552")
        .await;
    client.envelope("ada@example.org").await;
    client.expect("DATA", "354").await;
    let line = format!("{}\r\n", "x".repeat(1_000));
    for _ in 0..11_000 {
        client.send(&line).await;
    }
    client.expect(".", "552").await;
    assert_eq!(inbox.store().count(), 0);
    client.expect("NOOP", "250").await;
}

#[tokio::test]
async fn refusals_apply_at_their_stage_only() {
    let inbox = inbox().await;
    let refuse = |stage, status| Fault::reply(stage, status, "programmed").times(1);
    inbox.faults().add(refuse(Stage::Connect, 421));
    let mut client = Client::silent(&inbox).await;
    assert_eq!(client.answer().await, "421 programmed");
    assert_eq!(client.answer().await, "", "and closed");

    for (stage, status) in [(Stage::Mail, 451), (Stage::Data, 554), (Stage::End, 452)] {
        inbox.faults().add(refuse(stage, status));
    }
    inbox
        .faults()
        .add(refuse(Stage::Recipient, 550).only_for("bob@example.org"));
    let mut client = Client::connect(&inbox).await;
    client.expect("EHLO test", "250").await;
    client.expect("MAIL FROM:<galaxy@example.org>", "451").await;
    client.expect("MAIL FROM:<galaxy@example.org>", "250").await;
    client.expect("RCPT TO:<ada@example.org>", "250").await;
    client.expect("RCPT TO:<Bob@example.org>", "550").await;
    client.expect("DATA", "554").await;
    client.expect("DATA", "354").await;
    client.expect(MAIL, "452").await;
    assert_eq!((inbox.store().count(), inbox.faults().left()), (0, 0));
    client.envelope("ada@example.org").await;
    client.expect("DATA", "354").await;
    client.expect(MAIL, "250").await;
    assert_eq!(inbox.store().count(), 1);
}

#[tokio::test]
async fn a_closed_connection_loses_or_keeps_the_mail_as_programmed() {
    let inbox = inbox().await;
    let cuts = [
        (Stage::Content, Action::Drop, 0),
        (Stage::End, Action::Drop, 0),
        (Stage::End, Action::KeepAndDrop, 1),
    ];
    for (stage, action, kept) in cuts {
        inbox.faults().add(Fault::new(stage, action).times(1));
        let mut client = Client::connect(&inbox).await;
        client.envelope("ada@example.org").await;
        client.expect("DATA", "354").await;
        assert_eq!(client.command(MAIL).await, "", "no answer at {stage:?}");
        assert_eq!(inbox.store().count(), kept, "{stage:?}");
    }
}

#[tokio::test]
async fn a_delay_only_delays() {
    let inbox = inbox().await;
    inbox
        .faults()
        .add(Fault::new(Stage::Mail, Action::Delay(Duration::from_millis(50))).times(1));
    let mut client = Client::connect(&inbox).await;
    let start = std::time::Instant::now();
    client.envelope("ada@example.org").await;
    assert!(start.elapsed() >= Duration::from_millis(50));
}

async fn get(inbox: &Inbox, path: &str) -> (StatusCode, Value) {
    let url = format!("http://{}{path}", inbox.http_address());
    let (status, body) = web::get(&url).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn delivered(inbox: &Inbox, recipient: &str) {
    let mut client = Client::connect(inbox).await;
    client.envelope(recipient).await;
    client.expect("DATA", "354").await;
    client.expect(MAIL, "250").await;
}

#[tokio::test]
async fn scripts_for_mailpit_find_its_fields() {
    let inbox = inbox().await;
    delivered(&inbox, "ada@example.org").await;
    delivered(&inbox, "bob@example.org").await;

    let (_, list) = get(&inbox, "/api/v1/messages?limit=1").await;
    assert_eq!(
        (&list["total"], &list["count"], &list["start"]),
        (&2.into(), &1.into(), &0.into())
    );
    let newest = &list["messages"][0];
    assert_eq!(
        newest["Bcc"][0]["Address"], "bob@example.org",
        "newest first"
    );
    assert_eq!(newest["MessageID"], "m1@galaxy");
    assert_eq!(newest["From"]["Name"], "Galaxy");
    assert_eq!(newest["To"][0]["Address"], "ada@example.org");
    assert_eq!(newest["Subject"], "Your code");
    assert_eq!(newest["Snippet"], "123456");
    assert!(newest["Created"].is_string() && newest["Size"].is_u64());

    let (_, found) = get(&inbox, "/api/v1/search?query=to:ada@example.org").await;
    assert_eq!(found["messages_count"], 1);
    let id = found["messages"][0]["ID"].as_str().unwrap();
    let (_, mail) = get(&inbox, &format!("/api/v1/message/{id}")).await;
    assert_eq!(
        (mail["Text"].as_str().unwrap().trim(), &mail["HTML"]),
        ("123456", &"".into())
    );
    assert_eq!(mail["ID"], id);
    assert!(mail["Date"].is_string());
    let (_, headers) = get(&inbox, &format!("/api/v1/message/{id}/headers")).await;
    assert_eq!(headers["Subject"][0], "Your code");
    assert_eq!(
        get(&inbox, "/api/v1/message/nobody").await.0,
        StatusCode::NOT_FOUND
    );
    let (status, _) = get(&inbox, "/").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn mails_are_deleted_by_id_or_all_at_once() {
    let inbox = inbox().await;
    for recipient in ["a@x.org", "b@x.org", "c@x.org"] {
        delivered(&inbox, recipient).await;
    }
    let url = format!("http://{}/api/v1/messages", inbox.http_address());
    let id = inbox
        .store()
        .newest(|mail| mail.is_to("b@x.org"))
        .unwrap()
        .id
        .clone();
    let body = serde_json::json!({ "IDs": [id] }).to_string();
    web::request(Method::DELETE, &url, body.into())
        .await
        .unwrap();
    assert!(inbox.store().newest(|mail| mail.is_to("b@x.org")).is_none());
    assert_eq!(inbox.store().count(), 2);
    let (status, _) = web::request(Method::DELETE, &url, "{".into())
        .await
        .unwrap();
    assert_eq!(
        (status, inbox.store().count()),
        (StatusCode::BAD_REQUEST, 2)
    );
    web::request(Method::DELETE, &url, "".into()).await.unwrap();
    assert_eq!(inbox.store().count(), 0);
}

#[tokio::test]
async fn a_client_that_never_ends_its_line_is_disconnected() {
    let inbox = inbox().await;
    let mut client = Client::connect(&inbox).await;
    let _ = client.0.write_all(&vec![b'x'; 1 << 20]).await;
    let mut rest = Vec::new();
    let read = tokio::time::timeout(WITHIN, client.0.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(read.is_err() || rest.is_empty());
}

//! Questions and answers over a real broker.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fmt::Write as _, time::Duration};

use galaxy_core::{Clock, GameId};
use galaxy_events::{
    Nats, NatsConfig,
    rpc::{AskError, RuntimeLogs},
};
use galaxy_service::{Process, Readiness, Tasks, Vars};
use galaxy_testkit::nats_url;

const DEADLINE: Duration = Duration::from_secs(5);

async fn connect() -> (Process, Nats) {
    let mut vars = Vars::from_lookup(|name| (name == "BACKEND_NATS_URL").then(nats_url));
    let config = NatsConfig::read_as_owner(&mut vars).unwrap();
    let process = Process {
        name: "test",
        clock: Clock::system(),
        tasks: Tasks::new(),
        readiness: Readiness::default(),
    };
    let nats = Nats::connect(&config, &process).await.unwrap();
    (process, nats)
}

fn question(tail: u32) -> RuntimeLogs {
    RuntimeLogs {
        game_id: GameId::generate(),
        tail,
        previous: false,
    }
}

/// A place that nobody else has, with characters that subjects do not have.
fn place() -> String {
    format!("host 1.*/{}", GameId::generate())
}

#[tokio::test]
async fn one_process_of_the_place_answers_and_no_other_place_does() {
    let (process, nats) = connect().await;
    let (here, elsewhere) = (place(), place());
    for name in ["one", "other"] {
        let answer = move |question: RuntimeLogs| async move {
            match question.tail {
                0 => Err("there is no log".to_owned()),
                1 => Ok("x".repeat(2 << 20)),
                _ => Ok(format!("{name}: {}", question.tail)),
            }
        };
        nats.answer(&process, &here, answer).await.unwrap();
    }
    let answer = nats.ask(&here, &question(7), DEADLINE).await.unwrap();
    assert!(["one: 7", "other: 7"].contains(&&answer[..]), "{answer}");
    let refused = nats.ask(&here, &question(0), DEADLINE).await;
    assert_eq!(
        refused,
        Err(AskError::Refused("there is no log".to_owned()))
    );
    let too_large = nats.ask(&here, &question(1), DEADLINE).await;
    assert_eq!(
        too_large,
        Err(AskError::Refused("the answer is too large".to_owned()))
    );
    let nobody = nats.ask(&elsewhere, &question(7), DEADLINE).await;
    assert_eq!(nobody, Err(AskError::Nobody));
}

#[tokio::test]
async fn a_question_ends_at_its_deadline_and_strange_ones_are_refused() {
    let (process, nats) = connect().await;
    let silent = place();
    let never = |_: RuntimeLogs| std::future::pending();
    nats.answer(&process, &silent, never).await.unwrap();
    let late = nats
        .ask(&silent, &question(7), Duration::from_millis(50))
        .await;
    assert_eq!(late, Err(AskError::Timeout));

    let strange = place();
    let echo = |question: RuntimeLogs| async move { Ok(question.tail.to_string()) };
    nats.answer(&process, &strange, echo).await.unwrap();
    let mut subject = "galaxy.rpc.runtime.logs.".to_owned();
    for byte in strange.bytes() {
        write!(subject, "{byte:02x}").unwrap();
    }
    let reply = nats.client().request(subject, "{}".into()).await.unwrap();
    let reply = String::from_utf8(reply.payload.to_vec()).unwrap();
    assert!(reply.contains("refusal"), "{reply}");
}

#[tokio::test]
async fn who_drains_answers_no_more() {
    let (process, nats) = connect().await;
    let here = place();
    let echo = |question: RuntimeLogs| async move { Ok(question.tail.to_string()) };
    nats.answer(&process, &here, echo).await.unwrap();
    assert_eq!(nats.ask(&here, &question(7), DEADLINE).await.unwrap(), "7");
    assert!(process.tasks.shut_down(DEADLINE).await);
    let nobody = galaxy_testkit::eventually("nobody answers", async || {
        let answer = nats.ask(&here, &question(7), DEADLINE).await;
        (answer == Err(AskError::Nobody)).then_some(())
    });
    nobody.await;
}

//! Answers operators' questions about the engines of the node.

use galaxy_core::text;
use galaxy_drivers::DriverError;
use galaxy_events::{Nats, rpc::RuntimeLogs};
use galaxy_service::Process;

use crate::{Manager, driver::MAX_LOG};

/// Starts answering; it ends when the process drains.
pub async fn start(process: &Process, manager: &Manager, nats: &Nats) -> anyhow::Result<()> {
    let asked = manager.clone();
    let answer = move |question: RuntimeLogs| {
        let manager = asked.clone();
        async move { logs(&manager, question).await }
    };
    nats.answer(process, &manager.node.node_id, answer).await
}

async fn logs(manager: &Manager, question: RuntimeLogs) -> Result<String, String> {
    let RuntimeLogs {
        game_id,
        tail,
        previous,
    } = question;
    match manager.read_log(game_id, tail, previous).await {
        Ok(log) => Ok(printable_end(&log)),
        Err(error) => {
            tracing::info!(%game_id, %error, "an engine's log that an operator asked for cannot be read");
            Err(said(&error))
        }
    }
}

/// The driver's words.
fn said(error: &DriverError) -> String {
    text::printable(error.to_string().as_bytes(), 300)
}

/// The log made printable, at most [`MAX_LOG`] bytes from its end: a replaced byte takes three.
fn printable_end(log: &[u8]) -> String {
    let mut log = text::printable(log, log.len());
    let over = log.len().saturating_sub(MAX_LOG);
    let cut = log.ceil_char_boundary(over);
    log.drain(..cut);
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_printable_and_its_end_is_kept_within_the_limit() {
        assert_eq!(
            printable_end(b"turn 1\n\0\x1b[31m"),
            "turn 1\n\u{fffd}\u{fffd}[31m"
        );
        let mut noise = vec![0xff; MAX_LOG];
        noise.extend(b"the end");
        let log = printable_end(&noise);
        assert!(
            log.len() <= MAX_LOG && log.len() > MAX_LOG - 4,
            "{}",
            log.len()
        );
        assert!(log.ends_with("the end"));
    }
}

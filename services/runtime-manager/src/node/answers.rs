//! Answers operators' questions about the engines of the node.

use galaxy_core::text;
use galaxy_drivers::DriverError;
use galaxy_events::{Nats, rpc::RuntimeLogs};
use galaxy_service::Process;

use crate::{
    Manager,
    driver::{MAX_LOG, printable_end},
};

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
        Ok(log) => Ok(printable_end(&log, MAX_LOG)),
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

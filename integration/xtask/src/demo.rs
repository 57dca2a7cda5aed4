//! A whole game, played through the gateway with every step shown.

use anyhow::{Result, bail};
use galaxy_stack::{StackFile, Ui};

/// Plays it on the running stack; an error if anything does not go as it should.
#[expect(clippy::unused_async, reason = "the game talks to the gateway")]
pub async fn run(stack: &StackFile, ui: Ui) -> Result<()> {
    ui.step(format!("playing through {}", stack.gateway_grpc));
    bail!("there is no game to play yet")
}

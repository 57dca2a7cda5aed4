//! Supervision of a local stack: what ends by itself is started again, with a warning.

use std::time::Duration;

use anyhow::Result;

use super::Stack;
use crate::Program;

impl Stack {
    /// Returns when something has ended and was started again, so that process ids have changed. An error if it
    /// does not start.
    pub async fn watch(&mut self) -> Result<()> {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.restart_ended().await? {
                return Ok(());
            }
        }
    }

    async fn restart_ended(&mut self) -> Result<bool> {
        let mut restarted = false;
        if let Some(status) = self.postgres.program().and_then(Program::ended) {
            self.ui
                .warn(format!("Postgres ended ({status}); starting it again"));
            self.postgres.start_again().await?;
            restarted = true;
        }
        if let Some(status) = self.nats.program().and_then(Program::ended) {
            self.ui
                .warn(format!("NATS ended ({status}); starting it again"));
            self.nats.start_again().await?;
            restarted = true;
        }
        for (name, status) in self.processes.ended() {
            self.ui
                .warn(format!("{name} ended ({status}); starting it again"));
            self.processes.start_again(&name).await?;
            self.ui.done(format!("{name} is ready again"));
            restarted = true;
        }
        Ok(restarted)
    }
}

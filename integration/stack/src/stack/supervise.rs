//! Watching over a stack that people use: what ends by itself is started again and that is said.

use std::time::Duration;

use anyhow::Result;

use super::Stack;
use crate::Program;

impl Stack {
    /// Returns when something has ended and was started again; the stack's process ids have changed.
    ///
    /// An error if it does not come back.
    pub async fn watch(&mut self) -> Result<()> {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.revive().await? {
                return Ok(());
            }
        }
    }

    async fn revive(&mut self) -> Result<bool> {
        let mut revived = false;
        if let Some(status) = self.postgres.program().and_then(Program::ended) {
            self.ui
                .warn(format!("Postgres ended ({status}); starting it again"));
            self.postgres.start_again().await?;
            revived = true;
        }
        if let Some(status) = self.nats.program().and_then(Program::ended) {
            self.ui
                .warn(format!("NATS ended ({status}); starting it again"));
            self.nats.start_again().await?;
            revived = true;
        }
        for (name, status) in self.processes.ended() {
            self.ui
                .warn(format!("{name} ended ({status}); starting it again"));
            self.processes.start_again(&name).await?;
            self.ui.done(format!("{name} is ready again"));
            revived = true;
        }
        Ok(revived)
    }
}

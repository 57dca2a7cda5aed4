//! The driver that the settings chose, and what is read through it.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use galaxy_core::GameId;
use galaxy_drivers::{Driver as _, DriverError, LogQuery};

use crate::Manager;

/// The most of a log that is read at once, in bytes.
pub const MAX_LOG: usize = 256 << 10;

impl Manager {
    /// The last `tail` lines of the engine's log, at most [`MAX_LOG`] bytes from its end.
    pub async fn read_log(
        &self,
        game: GameId,
        tail: u32,
        previous: bool,
    ) -> Result<Bytes, DriverError> {
        let read = async {
            let mut lines = self.driver.logs(game, LogQuery { tail, previous }).await?;
            let mut log = BytesMut::new();
            while let Some(chunk) = lines.next().await {
                log.extend_from_slice(&chunk?);
                if log.len() > 2 * MAX_LOG {
                    let _ = log.split_to(log.len() - MAX_LOG);
                }
            }
            let over = log.len().saturating_sub(MAX_LOG);
            let _ = log.split_to(over);
            Ok(log.freeze())
        };
        tokio::time::timeout(self.timeouts.driver, read)
            .await
            .unwrap_or(Err(DriverError::TimedOut))
    }
}

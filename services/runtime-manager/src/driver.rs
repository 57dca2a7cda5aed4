//! The driver that the settings chose, and what is read through it.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use galaxy_core::{GameId, text};
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

/// The end of a log, printable, at most `max` bytes: a byte that is replaced takes three.
pub(crate) fn printable_end(log: &[u8], max: usize) -> String {
    let mut log = text::printable(log, log.len());
    let over = log.len().saturating_sub(max);
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
            printable_end(b"turn 1\n\0\x1b[31m", 100),
            "turn 1\n\u{fffd}\u{fffd}[31m"
        );
        assert_eq!(printable_end(b"the beginning and the end", 7), "the end");
        let mut noise = vec![0xff; MAX_LOG];
        noise.extend(b"the end");
        let log = printable_end(&noise, MAX_LOG);
        assert!(
            log.len() <= MAX_LOG && log.len() > MAX_LOG - 4,
            "{}",
            log.len()
        );
        assert!(log.ends_with("the end"));
    }
}

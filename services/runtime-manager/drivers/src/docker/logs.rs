//! Logs of engines, and the ends of those that Docker no longer has.

use std::{collections::VecDeque, time::Duration};

use bollard::{container::LogOutput, query_parameters::LogsOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use galaxy_core::GameId;

use super::{Inner, error::driver_error};
use crate::{DriverError, LogQuery, Logs, Result};

/// How much of the log of a container that is removed is kept in memory, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// Of how many games.
const KEPT_GAMES: usize = 256;

/// How long reading the end of a log may hold up the removal of its container.
const KEEP_LIMIT: Duration = Duration::from_secs(5);

/// The ends of the logs of containers that were removed by this process, the newest last.
#[derive(Debug, Default)]
pub(super) struct KeptLogs(VecDeque<(GameId, VecDeque<Bytes>)>);

impl KeptLogs {
    fn keep(&mut self, game: GameId, lines: VecDeque<Bytes>) {
        self.0.retain(|(kept, _)| *kept != game);
        self.0.push_back((game, lines));
        if self.0.len() > KEPT_GAMES {
            self.0.pop_front();
        }
    }

    fn tail(&self, game: GameId, lines: usize) -> Option<Vec<Bytes>> {
        let (_, kept) = self.0.iter().find(|(kept, _)| *kept == game)?;
        let skipped = kept.len().saturating_sub(lines);
        Some(kept.iter().skip(skipped).cloned().collect())
    }
}

impl Inner {
    /// See [`crate::Driver::logs`]. Docker has the log of a container, and so of one run; the run before it is kept in
    /// memory.
    pub(super) async fn logs(&self, game: GameId, query: LogQuery) -> Result<Logs> {
        let tail = query.tail.clamp(1, 10_000);
        let found = if query.previous {
            None
        } else {
            self.inspect(game).await?
        };
        if let Some(found) = found {
            return Ok(self.read_log(&found.id, tail).boxed());
        }
        let kept = self.kept.lock().tail(game, tail as usize);
        match kept {
            Some(lines) => Ok(stream::iter(lines.into_iter().map(Ok)).boxed()),
            None if query.previous => Err(DriverError::invalid(
                "the log of the run before is not kept: Docker has only the last one, and this manager did not remove it",
            )),
            None => Ok(stream::empty().boxed()),
        }
    }

    /// Reads the end of the log of a container that is about to be removed. Without it the container goes all the same.
    pub(super) async fn keep_log(&self, game: GameId, id: &str) {
        let lines = self.read_log(id, 1_000);
        let read = async {
            let mut kept = VecDeque::new();
            let mut bytes = 0;
            let mut lines = std::pin::pin!(lines);
            while let Some(line) = lines.try_next().await? {
                bytes += line.len();
                kept.push_back(line);
                while bytes > KEPT_BYTES && kept.len() > 1 {
                    bytes -= kept.pop_front().map_or(0, |line: Bytes| line.len());
                }
            }
            Ok::<_, DriverError>(kept)
        };
        match tokio::time::timeout(KEEP_LIMIT, read).await {
            Ok(Ok(lines)) => self.kept.lock().keep(game, lines),
            Ok(Err(error)) => tracing::warn!(%game, "the end of an engine's log is lost: {error}"),
            Err(_) => {
                tracing::warn!(%game, "the end of an engine's log is lost: Docker is too slow");
            }
        }
    }

    fn read_log(&self, id: &str, tail: u32) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(&tail.to_string())
            .build();
        self.docker
            .logs(id, Some(options))
            .map_ok(LogOutput::into_bytes)
            .map_err(driver_error)
    }
}

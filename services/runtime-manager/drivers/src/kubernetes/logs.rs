//! Logs of engines, and the ends of those whose pods are gone.
//!
//! A cluster has the log of a pod for as long as it has the pod. So the log of an engine that is told to end is read on to
//! its end, and kept in memory.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    AsyncBufRead, AsyncBufReadExt as _, StreamExt as _,
    stream::{self, BoxStream},
};
use galaxy_core::GameId;
use kube::api::LogParams;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    Inner,
    error::driver_error,
    manifest::CONTAINER,
    pod::{Phase, SeenPod},
};
use crate::{DriverError, LogQuery, Logs, Result};

/// How much of a log is kept in memory, in bytes.
const KEPT_BYTES: usize = 64 * 1024;

/// The longest line that is passed on as one, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// Runs whose logs are kept, of all games together.
const KEPT_RUNS: usize = 512;

/// How long a log may take to begin, or to be read to its end once its engine has ended.
const LIMIT: Duration = Duration::from_secs(2);

/// The ends of logs, the newest last.
#[derive(Debug, Default)]
pub(super) struct KeptLogs(VecDeque<Run>);

#[derive(Debug, Clone)]
struct Run {
    game: GameId,
    pod: String,
    tail: Arc<Mutex<Tail>>,
    /// Closed once the log was read to its end.
    reading: watch::Receiver<()>,
}

#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<Bytes>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, line: Bytes) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > KEPT_BYTES && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }

    fn last(&self, lines: usize) -> Vec<Bytes> {
        let skipped = self.lines.len().saturating_sub(lines);
        self.lines.iter().skip(skipped).cloned().collect()
    }
}

impl KeptLogs {
    fn has(&self, pod: &str) -> bool {
        self.0.iter().any(|run| run.pod == pod)
    }

    fn keep(&mut self, run: Run) {
        self.0.push_back(run);
        if self.0.len() > KEPT_RUNS {
            self.0.pop_front();
        }
    }

    /// The newest runs of a game first.
    fn of(&self, game: GameId) -> impl Iterator<Item = &Run> {
        self.0.iter().rev().filter(move |run| run.game == game)
    }
}

impl Inner {
    /// See [`crate::Driver::logs`].
    pub(super) async fn logs(&self, game: GameId, query: LogQuery) -> Result<Logs> {
        let tail = query.tail.clamp(1, 10_000);
        let name = self.names.pod(game);
        let pod = self.api.pods.get_opt(&name).await.map_err(driver_error)?;
        let pod = pod.as_ref().map(SeenPod::new);
        let kept = {
            let kept = self.kept.lock();
            let current = pod.as_ref().map(|pod| pod.uid.as_str());
            let current = current.or_else(|| kept.of(game).next().map(|run| run.pod.as_str()));
            let wanted = |run: &&Run| (Some(run.pod.as_str()) == current) != query.previous;
            kept.of(game).find(wanted).cloned()
        };
        match (kept, pod) {
            (Some(mut run), _) => {
                // An engine that has not ended goes on writing; what there is by now is enough.
                let _ = tokio::time::timeout(LIMIT, run.reading.changed()).await;
                let lines = run.tail.lock().last(tail as usize);
                Ok(stream::iter(lines.into_iter().map(Ok)).boxed())
            }
            (None, _) if query.previous => Err(DriverError::invalid(
                "the log of the run before is not kept: the cluster has only that of the last pod, and this manager did not end it",
            )),
            (None, Some(pod)) if !matches!(pod.phase, Phase::Waiting(_) | Phase::NoImage(_)) => {
                self.read_log(&name, tail, false, false).await
            }
            (None, _) => Ok(stream::empty().boxed()),
        }
    }

    /// Keeps the log of an engine that is about to be told to end, as it goes on.
    pub(super) async fn follow_log(&self, game: GameId, pod: &SeenPod) {
        if pod.phase == Phase::Running {
            self.collect_log(game, pod, true, false).await;
        }
    }

    /// Keeps the log of an engine that has ended and whose pod is about to be removed. `again`: it was started again since.
    pub(super) async fn keep_log(&self, game: GameId, pod: &SeenPod, again: bool) {
        self.collect_log(game, pod, false, again).await;
    }

    /// Without the log the engine ends all the same.
    async fn collect_log(&self, game: GameId, pod: &SeenPod, follow: bool, previous: bool) {
        if self.kept.lock().has(&pod.uid) {
            return;
        }
        let name = self.names.pod(game);
        let begun = self.read_log(&name, 1_000, follow, previous);
        let mut lines = match tokio::time::timeout(LIMIT, begun).await {
            Ok(Ok(lines)) => lines,
            Ok(Err(error)) => {
                tracing::warn!(%game, "the end of an engine's log is lost: {error}");
                return;
            }
            Err(_) => {
                tracing::warn!(%game, "the end of an engine's log is lost: the cluster is too slow");
                return;
            }
        };
        let (end, reading) = watch::channel(());
        let tail = Arc::<Mutex<Tail>>::default();
        let run = Run {
            game,
            pod: pod.uid.clone(),
            tail: tail.clone(),
            reading,
        };
        self.kept.lock().keep(run.clone());
        let draining = self.tasks.draining();
        self.tasks.spawn("kubernetes.log", async move {
            let read = async {
                while let Some(Ok(line)) = lines.next().await {
                    tail.lock().push(line);
                }
            };
            // An engine that takes its time to end must not hold up the end of this process.
            draining.run_until_cancelled(read).await;
            drop(end);
        });
        if !follow {
            let mut reading = run.reading;
            let _ = tokio::time::timeout(LIMIT, reading.changed()).await;
        }
    }

    async fn read_log(
        &self,
        pod: &str,
        tail: u32,
        follow: bool,
        previous: bool,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let params = LogParams {
            container: Some(CONTAINER.to_owned()),
            follow,
            previous,
            tail_lines: Some(i64::from(tail)),
            ..LogParams::default()
        };
        let log = self.api.pods.log_stream(pod, &params).await;
        Ok(lines(log.map_err(driver_error)?))
    }
}

/// Lines with their ends. A line that is too long comes in parts.
fn lines(log: impl AsyncBufRead + Send + 'static) -> BoxStream<'static, Result<Bytes>> {
    stream::unfold(Box::pin(log), |mut log| async move {
        let mut line = Vec::new();
        loop {
            let (used, ended) = match log.fill_buf().await {
                Ok([]) => (0, true),
                Ok(buffer) => {
                    let rest = MAX_LINE - line.len();
                    let buffer = &buffer[..buffer.len().min(rest)];
                    let end = buffer.iter().position(|byte| *byte == b'\n');
                    let used = end.map_or(buffer.len(), |end| end + 1);
                    line.extend_from_slice(&buffer[..used]);
                    (used, end.is_some() || line.len() == MAX_LINE)
                }
                Err(error) => return Some((Err(DriverError::unavailable(error)), log)),
            };
            log.consume_unpin(used);
            if ended {
                return (!line.is_empty()).then(|| (Ok(Bytes::from(line)), log));
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::{TryStreamExt as _, io::Cursor};

    use super::*;

    #[tokio::test]
    async fn a_log_comes_line_by_line_and_endless_lines_in_parts() {
        let text = [
            b"one\n\ntwo\0".to_vec(),
            vec![b'x'; MAX_LINE],
            b"\nend".to_vec(),
        ]
        .concat();
        let read: Vec<Bytes> = lines(Cursor::new(text.clone()))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(&read[..2], ["one\n", "\n"]);
        assert_eq!(read[2].len(), MAX_LINE);
        assert_eq!(read.last().unwrap(), "end");
        assert_eq!(read.concat(), text);
    }

    #[test]
    fn the_end_of_a_log_is_kept_within_its_limit() {
        let mut tail = Tail::default();
        for line in 0..20_000 {
            tail.push(Bytes::from(format!("line {line}\n")));
        }
        assert!(tail.bytes <= KEPT_BYTES);
        assert_eq!(tail.last(2), ["line 19998\n", "line 19999\n"]);
        tail.push(Bytes::from(vec![0; 2 * KEPT_BYTES]));
        assert_eq!(tail.lines.len(), 1, "the last line stays");
    }
}

//! Standard output for log lines: a thread of its own writes them, so that a reader that stands still holds up no work. What it
//! has no room for is dropped and counted.

use std::io::Stdout;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::meter;

/// Lines that wait to be written. With lines of some hundred bytes these are some megabytes.
const WAITING_LINES: usize = 16_384;

/// Standard output. Dropped, it writes the lines that wait, for a second at most.
pub(super) struct Output {
    writer: NonBlocking,
    _guard: WorkerGuard,
}

impl Output {
    /// Starts the thread that writes. Call it once the process's meter provider is installed.
    pub(super) fn stdout() -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(WAITING_LINES)
            .thread_name("log")
            .finish::<Stdout>(std::io::stdout());
        let dropped = writer.error_counter();
        meter()
            .u64_observable_counter("galaxy.log.dropped")
            .with_description("Log lines that were dropped since nobody read the log")
            .with_callback(move |counter| counter.observe(dropped.dropped_lines() as u64, &[]))
            .build();
        Self {
            writer,
            _guard: guard,
        }
    }

    /// Writes lines without waiting.
    pub(super) fn writer(&self) -> NonBlocking {
        self.writer.clone()
    }
}

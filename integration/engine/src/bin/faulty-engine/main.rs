//! The reference engine with faults, for tests of the platform.
//!
//! It takes the flags and variables of `engine`, and the faults from `faults.json` in its state directory, which is read
//! again for each call. Without the file they come from the variable `ENGINE_FAULTS`, for images. Faults that cannot be
//! read end the process with code 64, so that a misspelt test fails.
//!
//! ```json
//! {
//!   "start": { "delay_ms": 12000, "ignore_sigterm": true, "children": 2, "exit": { "after_ms": 500, "code": 3 },
//!              "log_bytes": 1000000, "memory_bytes": 1000000 },
//!   "calls": [
//!     { "on": "turn", "times": 2, "fault": "hang" },
//!     { "on": "any", "fault": { "answer": { "status": 500, "body": "boom" } } }
//!   ]
//! }
//! ```
//!
//! `start` applies once, when the process begins; everything in it may be left out. Of `calls` the first rule that
//! matches applies: `on` is `any` or a call (`healthz`, `init`, `status`, `turn`, `banish`, `command`, `order`,
//! `report`), `times` limits it to the first calls of this process (all if left out). A rule that is not in the file any
//! more forgets its count. The faults are those of [`faults::Fault`].

mod answers;
mod calls;
mod faults;
mod harm;

use std::{future::pending, io, process::ExitCode, sync::Arc};

use axum::{Router, middleware::from_fn_with_state};
use clap::Parser;
use galaxy_engine::process::{self, Config};

use calls::Calls;
use faults::Source;

/// The hidden argument of a child process.
const CHILD: &str = "child";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        harm::wait_for_ever();
    }
    let config = Config::parse();
    if config.verb.is_some() {
        return process::main(&config);
    }
    process::log(&config);
    process::exit_code(process::block_on(run(&config)))
}

async fn run(config: &Config) -> anyhow::Result<()> {
    let source = Source::new(&config.state_dir);
    let start = source.read().start;
    start.apply()?;
    if let Some(delay) = start.delay() {
        tokio::time::sleep(delay).await;
    }
    let calls = Arc::new(Calls::new(source));
    // Around the routing, since a fault may change where a call goes.
    let wrap = |router: Router| {
        Router::new()
            .fallback_service(router)
            .layer(from_fn_with_state(calls, calls::misbehave))
    };
    if start.ignore_sigterm {
        ignore_signals()?;
        process::run(config, pending(), wrap).await
    } else {
        process::run(config, process::stop_signal()?, wrap).await
    }
}

/// Takes the signals and does nothing about them.
fn ignore_signals() -> io::Result<()> {
    process::stop_signal().map(drop)
}

//! The process runtime-manager.

use std::process::ExitCode;

use galaxy_http::ops;
use galaxy_runtime_manager::run;
use galaxy_service::process;

fn main() -> ExitCode {
    process::run(
        "runtime-manager",
        "keeps an engine running for each game, and its turns coming",
        ops::listen,
        run::start,
    )
}

//! The `engine` binary.

use std::process::ExitCode;

use clap::Parser;
use galaxy_engine::process::{self, Config};

fn main() -> ExitCode {
    process::main(&Config::parse())
}

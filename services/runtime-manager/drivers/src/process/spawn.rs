//! Starting an engine: detached from us, without our environment, which holds secrets.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    process::Stdio,
};

use secrecy::ExposeSecret as _;
use tokio::process::{Child, Command};

use super::home::Home;
use crate::{DriverError, EngineSpec};

/// Starts `program` for the game at `home`. Needs a runtime.
pub(super) fn engine(
    program: &Path,
    home: &Home,
    log: File,
    spec: &EngineSpec,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .env("ENGINE_LISTEN_ADDR", "127.0.0.1:0")
        .env("ENGINE_STATE_DIR", home.state_dir())
        .env("ENGINE_PORT_FILE", home.port_file())
        .env("ENGINE_GAME_ID", spec.game.to_string())
        .env("ENGINE_EPOCH", spec.epoch.to_string());
    if let Some(token) = &spec.token {
        command.env("ENGINE_TOKEN", token.expose_secret());
    }
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(false)
        .spawn()
}

/// What a failed spawn means.
pub(super) fn failed(program: &Path, error: &io::Error) -> DriverError {
    let text = format!("{}: {error}", program.display());
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => DriverError::no_image(text),
        ErrorKind::WouldBlock | ErrorKind::OutOfMemory => DriverError::no_capacity(text),
        ErrorKind::InvalidInput | ErrorKind::ArgumentListTooLong => DriverError::invalid(text),
        // The file is there, but not a program of this machine (ENOEXEC).
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            DriverError::no_image(text)
        }
        _ => DriverError::unavailable(text),
    }
}

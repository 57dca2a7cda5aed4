//! Starting an engine: detached from us, without our environment, which holds secrets.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::process::{Child, Command};

use super::{
    home::{Home, Note},
    procfs::Running,
};
use crate::drivers::EngineSpec;

/// Starts `program` for the game at `home` and notes it there. One that ends at once is not noted.
pub(super) async fn engine(program: &Path, home: &Home, spec: &EngineSpec) -> io::Result<Child> {
    let log = home.prepare()?;
    let mut child = Command::new(program)
        .args(["--listen", "127.0.0.1:0", "--state-dir"])
        .arg(home.state_dir())
        .arg("--port-file")
        .arg(home.port_file())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .kill_on_drop(false)
        .spawn()?;
    if let Some(running) = recognised(&mut child, home).await? {
        home.write_note(&Note {
            pid: running.pid(),
            started: running.started(),
            image_ref: spec.image_ref.clone(),
            engine_version: spec.engine_version.clone(),
        })?;
    }
    Ok(child)
}

/// Waits until `/proc` shows the child with its arguments, which is a moment after it was started; `None` if it ended.
async fn recognised(child: &mut Child, home: &Home) -> io::Result<Option<Running>> {
    loop {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let found = pid.and_then(|pid| Running::find(pid, None, &home.state_dir()));
        if found.is_some() || child.try_wait()?.is_some() {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

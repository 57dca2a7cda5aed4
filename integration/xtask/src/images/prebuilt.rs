//! The context of a build without compiling: the programs beside this one, without their symbols.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Service};
use tempfile::TempDir;

use super::buildkit::output;

/// What programs in images may do.
const PROGRAM_MODE: u32 = 0o755;

/// A directory as the stage `prebuilt` of the `Dockerfile` takes it.
pub(super) fn context(layout: &Layout) -> Result<TempDir> {
    let context = tempfile::tempdir()?;
    let programs = context.path().join("prebuilt");
    for empty in ["secrets", "state"] {
        fs::create_dir_all(programs.join(empty))?;
    }
    let names = Service::ALL.map(Service::name);
    for name in names.into_iter().chain(["inbox"]) {
        copy(&layout.binaries().join(name), &programs.join(name))?;
    }
    copy(&layout.static_engine(), &programs.join("engine"))?;
    Ok(context)
}

/// Symbols are half of a program or more; where there is no `strip` they stay.
fn copy(program: &Path, to: &Path) -> Result<()> {
    fs::copy(program, to)
        .with_context(|| format!("{} is not there: it was not built", program.display()))?;
    let mut strip = Command::new("strip");
    strip.arg(to);
    let _ = output(strip);
    fs::set_permissions(to, fs::Permissions::from_mode(PROGRAM_MODE))?;
    Ok(())
}

//! The image of the reference engine: made here from a static program, from no other image and no registry.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use anyhow::{Context, Result, bail};

use super::docker;

/// What the programs in the image may do to its files.
const PROGRAM_MODE: u32 = 0o755;

/// Makes the image `name` of `program`, as the `Dockerfile` of the reference engine says. The same program gives the
/// same image.
pub fn make(name: &str, program: &Path, dockerfile: &Path) -> Result<()> {
    let context = tempfile::tempdir()?;
    let engine = context.path().join("engine");
    fs::copy(program, &engine).with_context(|| {
        format!(
            "{} is not there: the static engine was not built",
            program.display()
        )
    })?;
    fs::set_permissions(&engine, fs::Permissions::from_mode(PROGRAM_MODE))?;
    fs::create_dir(context.path().join("state"))?;
    let mut build = docker()?;
    build
        .args(["build", "--quiet", "--tag", name, "--file"])
        .arg(dockerfile)
        .arg(context.path());
    let output = build.output().context("cannot run docker")?;
    if !output.status.success() {
        bail!(
            "docker build: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

/// Makes the image `name` that is `base` with a variable set.
pub fn with_variable(name: &str, base: &str, variable: (&str, &str)) -> Result<()> {
    let mut build = docker()?;
    build
        .args(["build", "--quiet", "--tag", name, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut build = build.spawn().context("cannot run docker")?;
    let (variable, value) = variable;
    let mut input = build.stdin.take().context("docker takes no input")?;
    input.write_all(format!("FROM {base}\nENV {variable}={value}\n").as_bytes())?;
    drop(input);
    let output = build.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "docker build: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

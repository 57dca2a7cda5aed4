//! The image of the reference engine: made here from a static program, from no other image and no registry.

use std::{fmt::Write, fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use super::docker;
use crate::Layout;

/// What the programs in the image may do to its files.
const PROGRAM_MODE: u32 = 0o755;

/// Makes the image `name` of `program`, as the `Dockerfile` of the reference engine says. The same program gives the
/// same image.
pub fn make(name: &str, program: &Path, dockerfile: &Path) -> Result<()> {
    build(name, program, dockerfile, &[])
}

fn build(name: &str, program: &Path, dockerfile: &Path, variables: &[(&str, &str)]) -> Result<()> {
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
    let mut recipe = fs::read_to_string(dockerfile)
        .with_context(|| format!("cannot read {}", dockerfile.display()))?;
    for (variable, value) in variables {
        writeln!(recipe, "ENV {variable}={value}")?;
    }
    fs::write(context.path().join("Dockerfile"), recipe)?;
    let mut build = docker()?;
    build
        .args(["build", "--quiet", "--tag", name])
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

/// An image of the reference engine for one test, with variables set; removed when dropped.
#[derive(Debug)]
pub struct TestImage(String);

impl TestImage {
    /// The static engine must have been built.
    pub fn make(variables: &[(&str, &str)]) -> Result<Self> {
        Self::of(&Layout::of_checkout()?.static_engine(), variables)
    }

    /// The same of the engine that misbehaves: `faults` is the JSON of its `ENGINE_FAULTS`.
    pub fn faulty(faults: &str) -> Result<Self> {
        let layout = Layout::of_checkout()?;
        let engine = layout.static_engine();
        let quoted = format!("'{faults}'");
        Self::of(
            &engine.with_file_name("faulty-engine"),
            &[("ENGINE_FAULTS", &quoted)],
        )
    }

    fn of(program: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let name = format!("galaxy-test/engine:{}", Uuid::now_v7().simple());
        let dockerfile = Layout::of_checkout()?.dockerfile();
        build(&name, program, &dockerfile, variables)?;
        Ok(Self(name))
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for TestImage {
    fn drop(&mut self) {
        if let Ok(mut docker) = docker() {
            let _ = docker
                .args(["image", "rm", "--force", &self.0])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

//! Calls of `docker`, and of one that builds with BuildKit: newer ones have it only with the plug-in buildx.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The last version of the command whose builder needs no plug-in.
const LAST_WITH_BUILDKIT: u32 = 22;

/// Runs `docker` and returns what it printed.
pub fn docker(words: &[&str]) -> Result<String> {
    let mut docker = Command::new("docker");
    docker.args(words);
    output(docker)
}

/// Runs a command and returns its standard output; an error shows what it said.
pub fn output(mut command: Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{shown}: {}\n{}", output.status, errors.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A build with its arguments.
#[derive(Debug, Clone)]
pub struct BuildKit {
    program: PathBuf,
    file: PathBuf,
    context: PathBuf,
    arguments: Vec<String>,
    shown: bool,
}

impl BuildKit {
    /// The first `docker` on `PATH` that can use BuildKit.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = std::env::split_paths(&path).map(|dir| dir.join("docker"));
        let program = programs
            .find(|program| program.is_file() && has_buildkit(program))
            .context("no docker here builds with BuildKit: install its plug-in buildx")?;
        Ok(Self {
            program,
            file: PathBuf::new(),
            context: PathBuf::new(),
            arguments: Vec::new(),
            shown: false,
        })
    }

    pub fn file(mut self, file: PathBuf) -> Self {
        self.file = file;
        self
    }

    pub fn context(mut self, context: &Path) -> Self {
        context.clone_into(&mut self.context);
        self
    }

    /// An argument of the `Dockerfile`.
    pub fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.push(format!("{name}={value}"));
        self
    }

    /// Shows what the builder says.
    pub fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    /// Builds `target` as `image`.
    pub fn build(&self, target: &str, image: &str) -> Result<()> {
        let mut build = Command::new(&self.program);
        build
            .env("DOCKER_BUILDKIT", "1")
            .args(["build", "--target", target, "--tag", image, "--file"])
            .arg(&self.file);
        for argument in &self.arguments {
            build.args(["--build-arg", argument]);
        }
        build.arg(&self.context);
        if !self.shown {
            return output(build).map(drop);
        }
        let status = build.stdin(Stdio::null()).status()?;
        if !status.success() {
            bail!("docker build --target {target}: {status}");
        }
        Ok(())
    }
}

fn has_buildkit(docker: &Path) -> bool {
    let plug_in = Command::new(docker)
        .args(["buildx", "version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if plug_in.is_ok_and(|status| status.success()) {
        return true;
    }
    let mut version = Command::new(docker);
    version.args(["version", "--format", "{{.Client.Version}}"]);
    output(version).is_ok_and(|version| {
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        major.is_some_and(|major: u32| major <= LAST_WITH_BUILDKIT)
    })
}

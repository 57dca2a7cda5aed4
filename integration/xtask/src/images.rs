//! `cargo xtask images`: all images, compiled in a container, or with `--offline` of what is on this machine: no registry is
//! asked, base images are made of Debian's packages.

mod bases;
mod buildkit;
mod prebuilt;
mod rust_base;

use std::process::ExitCode;

use anyhow::{Result, bail};
use galaxy_stack::{Layout, Ui};

pub use bases::{Bases, can_be_made, names as base_names};
pub use buildkit::{BuildKit, docker, output};

/// The targets of the `Dockerfile`, with the variables of `compose.yaml` that name their images.
pub const TARGETS: [(&str, &str); 8] = [
    ("api", "GALAXY_API_IMAGE"),
    ("runtime-manager", "GALAXY_RUNTIME_MANAGER_IMAGE"),
    ("mailer", "GALAXY_MAILER_IMAGE"),
    ("notifier", "GALAXY_NOTIFIER_IMAGE"),
    ("push-hub", "GALAXY_PUSH_HUB_IMAGE"),
    ("gateway", "GALAXY_GATEWAY_IMAGE"),
    ("engine", "GALAXY_ENGINE_IMAGE"),
    ("inbox", "GALAXY_MAILPIT_IMAGE"),
];

/// The goal for each image of optimised programs, in bytes.
const LARGEST: u64 = 60_000_000;

const ABOUT: &str = "\
Prints the variables that compose.yaml takes the images from: `cargo xtask images --offline > .env`.

Offline, programs are compiled on this machine, in the profile of this one (`cargo run --profile dist --bin xtask -- images
--offline` for optimised ones), and copied into the images; with --in-container they are compiled in a container made of this
machine's toolchain. It needs mmdebstrap, and a machine that runs Debian.";

#[derive(clap::Args)]
#[command(after_help = ABOUT)]
pub struct Args {
    /// Ask no image registry: make base images of Debian's packages and of what this machine has.
    #[arg(long)]
    offline: bool,
    /// With --offline: compile in a container, as without it.
    #[arg(long, requires = "offline")]
    in_container: bool,
    /// Profile of cargo for what is compiled in a container.
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Tag of the images.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
}

pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<ExitCode> {
    let images = match (args.offline, args.in_container) {
        (false, _) => in_container(args, None, layout, ui)?,
        (true, true) => {
            let bases = Bases::make(layout, ui)?;
            in_container(args, Some(&bases), layout, ui)?
        }
        (true, false) => {
            crate::cargo::build(layout, ui).await?;
            crate::static_engine::build(layout).await?;
            let bases = Bases::make(layout, ui)?;
            prebuilt(&args.tag, &bases, layout, ui)?
        }
    };
    ui.result(images.variables());
    Ok(ExitCode::SUCCESS)
}

/// The images of one build.
#[derive(Debug)]
pub struct Images {
    /// Variables of `compose.yaml` with the images' names.
    pub names: Vec<(&'static str, String)>,
}

impl Images {
    /// A line a variable, as `.env` has them.
    fn variables(&self) -> String {
        let lines = self.names.iter();
        let lines: Vec<_> = lines
            .map(|(name, image)| format!("{name}={image}"))
            .collect();
        lines.join("\n")
    }
}

/// Images of the programs that were built beside this one.
pub fn prebuilt(tag: &str, bases: &Bases, layout: &Layout, ui: Ui) -> Result<Images> {
    let context = prebuilt::context(layout)?;
    let build = BuildKit::find()?
        .file(layout.root().join("Dockerfile"))
        .context(context.path())
        .argument("BINARIES", "prebuilt")
        .argument("RUNTIME_IMAGE", &bases.runtime);
    let optimised = !layout.binaries().ends_with("debug");
    let mut images = all(tag, &build, optimised, ui)?;
    images.names.extend(bases.variables());
    Ok(images)
}

/// Images of programs that are compiled in a container, of `bases` or of the ones that the `Dockerfile` names.
fn in_container(args: &Args, bases: Option<&Bases>, layout: &Layout, ui: Ui) -> Result<Images> {
    let mut build = BuildKit::find()?
        .file(layout.root().join("Dockerfile"))
        .context(layout.root())
        .argument("PROFILE", &args.profile);
    if let Some(bases) = bases {
        build = build
            .argument("RUNTIME_IMAGE", &bases.runtime)
            .argument("RUST_IMAGE", &rust_base::make(ui)?)
            .shown();
    } else {
        build = build.shown();
    }
    ui.step("compiling in a container");
    let mut images = all(&args.tag, &build, args.profile != "dev", ui)?;
    match bases {
        Some(bases) => images.names.extend(bases.variables()),
        // Without --offline Mailpit's own image serves.
        None => images
            .names
            .retain(|(name, _)| *name != "GALAXY_MAILPIT_IMAGE"),
    }
    Ok(images)
}

fn all(tag: &str, build: &BuildKit, optimised: bool, ui: Ui) -> Result<Images> {
    let mut names = Vec::new();
    let mut too_large = Vec::new();
    for (target, variable) in TARGETS {
        let image = format!("galaxy/{target}:{tag}");
        build.build(target, &image)?;
        let size = docker(&["image", "inspect", "--format", "{{.Size}}", &image])?;
        let size: u64 = size.trim().parse()?;
        let megabytes = size.div_ceil(1_000_000);
        ui.done(format!("{image}, {megabytes} MB"));
        if optimised && size > LARGEST {
            too_large.push(format!("{image} has {megabytes} MB"));
        }
        names.push((variable, image));
    }
    if !too_large.is_empty() {
        bail!(
            "images are to be smaller than 60 MB: {}",
            too_large.join(", ")
        );
    }
    Ok(Images { names })
}

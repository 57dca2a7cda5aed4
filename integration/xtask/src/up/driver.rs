//! How engines run: as it was asked for, as those of the kept data do, else in containers where that works.

use std::fs;

use anyhow::{Context, Result, bail};
use galaxy_stack::{Driver, Layout, Ui, docker};

use crate::static_engine;

/// Chooses the driver and makes the engine's image if it needs one. Says in one line which it is and why.
pub async fn choose(asked: Option<Driver>, build: bool, layout: &Layout, ui: Ui) -> Result<Driver> {
    let kept = kept(layout);
    if let Some(driver) = asked {
        prepare(driver, build, layout, ui).await?;
        if let Some(kept) = kept.filter(|kept| *kept != driver) {
            ui.warn(format!(
                "games of the kept data have engines of the driver {kept}: they wait until it is back"
            ));
        }
        ui.done(format!("engines: driver {driver}, as asked for"));
        return Ok(driver);
    }
    if let Some(driver) = kept {
        let prepared = prepare(driver, build, layout, ui).await;
        prepared.with_context(|| {
            format!("the kept data have engines of the driver {driver}; --driver takes another")
        })?;
        ui.done(format!("engines: driver {driver}, as in the kept data"));
        return Ok(driver);
    }
    match prepare(Driver::Docker, build, layout, ui).await {
        Ok(()) => {
            ui.done("engines: driver docker, since a Docker engine answers and the image was made");
            Ok(Driver::Docker)
        }
        Err(why) => {
            ui.done(format!("engines: driver process, since {why:#}"));
            Ok(Driver::Process)
        }
    }
}

/// The next start without a choice takes it again: its games are there.
pub fn keep(driver: Driver, layout: &Layout) -> Result<()> {
    let path = layout.driver();
    fs::write(&path, driver.name()).with_context(|| format!("cannot write {}", path.display()))
}

fn kept(layout: &Layout) -> Option<Driver> {
    if let Ok(name) = fs::read_to_string(layout.driver()) {
        return name.trim().parse().ok();
    }
    // Of a version that knew no other.
    let engines = fs::read_dir(layout.engines()).ok()?;
    (engines.count() > 0).then_some(Driver::Process)
}

async fn prepare(driver: Driver, build: bool, layout: &Layout, ui: Ui) -> Result<()> {
    if driver == Driver::Process {
        return Ok(());
    }
    if !docker::is_available() {
        bail!("no Docker engine answers");
    }
    if build {
        ui.step("building the engine's image");
        static_engine::build(layout).await?;
    }
    let image = driver.image();
    docker::engine_image::make(&image, &layout.static_engine(), &layout.dockerfile())?;
    docker::reach::check(&image).await
}

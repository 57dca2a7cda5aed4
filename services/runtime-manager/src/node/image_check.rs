//! Tries the images of engine versions that were registered, so that operators see what cannot run before a game needs it.

use std::{sync::Arc, time::Duration};

use galaxy_core::text;
use galaxy_drivers::{Driver as _, DriverError, Resolved};
use galaxy_runtime::{
    image_checks,
    versions::{self, EngineVersion},
};
use galaxy_service::{
    Process,
    tasks::{Next, Schedule},
};
use galaxy_store::Result;
use tokio::sync::Mutex;

use crate::Manager;

/// How often open questions, and fetches that are under way, are looked at.
const PERIOD: Duration = Duration::from_secs(2);
/// Images that a manager tries at a time.
const AT_ONCE: usize = 8;

/// The questions that a manager works on.
#[derive(Debug, Default)]
pub struct ImageChecks {
    claimed: Vec<EngineVersion>,
}

/// Starts the loop; it ends when the process drains.
pub fn start(process: &Process, manager: &Manager) {
    let manager = manager.clone();
    let checks = Arc::new(Mutex::new(ImageChecks::default()));
    process
        .tasks
        .every("image checks", Schedule::period(PERIOD), move || {
            let (manager, checks) = (manager.clone(), checks.clone());
            async move {
                if let Err(error) = checks.lock().await.look(&manager).await {
                    tracing::warn!(%error, "images of engine versions cannot be tried; trying again");
                }
                Next::After(PERIOD)
            }
        });
}

impl ImageChecks {
    /// Takes open questions, and goes on with those that were taken.
    pub async fn look(&mut self, manager: &Manager) -> Result<()> {
        let room = AT_ONCE.saturating_sub(self.claimed.len());
        if room > 0 {
            let mut connection = manager.db.acquire().await?;
            let limit = i64::try_from(room).unwrap_or(1);
            let (driver, now) = (manager.node.driver, manager.clock.now());
            let open = image_checks::claim(&mut connection, driver, limit, now).await?;
            self.claimed.extend(open);
        }
        for version in std::mem::take(&mut self.claimed) {
            if goes_on(manager, &version).await? {
                self.claimed.push(version);
            }
        }
        Ok(())
    }
}

/// Tries the image once; whether there is something left to wait for.
async fn goes_on(manager: &Manager, version: &EngineVersion) -> Result<bool> {
    let digest = version.image_digest.as_deref();
    let image = versions::pinned_reference(&version.image_ref, digest);
    let resolved = manager.driver.resolve(&image).await;
    let now = manager.clock.now();
    let mut connection = manager.db.acquire().await?;
    let waits_for = match resolved {
        Ok(Resolved::Ready(digest)) => {
            image_checks::answer(&mut connection, version, Ok(&digest), now).await?;
            return Ok(false);
        }
        Ok(Resolved::Pulling(progress)) => progress,
        Err(error) if error.is_outage() || matches!(error, DriverError::NoCapacity(_)) => {
            error.to_string()
        }
        Err(error) => {
            let why = text::printable(error.to_string().as_bytes(), 1_000);
            tracing::warn!(version = %version.id(), image, why, "the image of an engine version cannot be had");
            image_checks::answer(&mut connection, version, Err(&why), now).await?;
            return Ok(false);
        }
    };
    if now.duration_since(version.check_requested_at) >= image_checks::AGE_LIMIT {
        let why = format!("it was not there in 15 minutes, at last: {waits_for}");
        image_checks::answer(&mut connection, version, Err(&why), now).await?;
        return Ok(false);
    }
    image_checks::renew(&mut connection, version, now).await
}

//! The worker over mail that waited.

use std::{sync::Arc, time::Duration};

use galaxy_core::Clock;
use galaxy_notifications::{
    Settings,
    due::{self, DueRoute},
};
use galaxy_store::{Db, Result, worker::Queue};

/// How long a claim lasts. Delivery is one short transaction, so it is not renewed; one that fails is tried again after.
const LEASE: Duration = Duration::from_mins(1);

/// Routes whose time has come.
pub struct DueRoutes {
    db: Db,
    settings: Arc<Settings>,
    clock: Clock,
}

impl DueRoutes {
    /// Over the routes in `db`.
    pub fn new(db: &Db, settings: Arc<Settings>, clock: Clock) -> Self {
        Self {
            db: db.clone(),
            settings,
            clock,
        }
    }
}

impl Queue for DueRoutes {
    type Item = DueRoute;

    async fn claim(&self, room: u32) -> Result<Vec<DueRoute>> {
        due::claim(&self.db, room, LEASE).await
    }

    async fn work(&self, route: DueRoute) {
        let now = self.clock.now();
        if let Err(error) = due::deliver(&self.db, &self.settings, route, now).await {
            tracing::warn!(route_id = %route.route_id, %error, "waiting mail could not be delivered; trying again");
        }
    }
}

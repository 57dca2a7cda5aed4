//! The worker over due routes: mails that were held back until now.

use std::{sync::Arc, time::Duration};

use galaxy_core::Clock;
use galaxy_notifications::{
    Settings,
    due::{self, DueRoute},
};
use galaxy_store::{Db, Result, worker::Queue};

/// The lease of a claim. A delivery is one short transaction, so the lease is not renewed. A failed one is tried again when
/// the lease expires.
const LEASE: Duration = Duration::from_mins(1);

/// The queue of due routes.
pub struct DueRoutes {
    db: Db,
    settings: Arc<Settings>,
    clock: Clock,
}

impl DueRoutes {
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

    async fn claim(&self, limit: u32) -> Result<Vec<DueRoute>> {
        due::claim(&self.db, limit, LEASE).await
    }

    async fn work(&self, route: DueRoute) {
        let now = self.clock.now();
        if let Err(error) = due::deliver(&self.db, &self.settings, route, now).await {
            tracing::warn!(route_id = %route.route_id, %error, "a held-back mail could not be delivered; it is tried again");
        }
    }
}

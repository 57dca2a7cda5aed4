//! What every handler can reach. Cheap to clone.

use std::{ops::Deref, sync::Arc};

use anyhow::Context as _;
use galaxy_core::Clock;
use galaxy_events::Nats;
use galaxy_runtime::engine::{self, EngineClient};
use galaxy_service::Process;
use galaxy_store::Db;

use crate::{
    Config,
    auth::{
        confirm_code_batch::{self, Attempts},
        model::codes_per_address,
        send_code_batch::{self, CodeRequests},
        sessions::Sessions,
    },
    geo::Geo,
    invalidation::{self, Channel},
    keys::Keys,
    operators::{admin_accounts, sign_in::credentials::Credentials},
};

/// The application's state.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The fields of [`App`], reached through it.
pub struct Inner {
    /// The settings.
    pub config: Config,
    /// The process around it.
    pub process: Process,
    /// The database.
    pub db: Db,
    /// The broker; absent in tests that need none.
    pub nats: Option<Nats>,
    /// The time.
    pub clock: Clock,
    /// Keyed hashes under the pepper.
    pub keys: Keys,
    /// Whether invalidations of the caches arrive in time.
    pub channel: Channel,
    /// Device sessions as lookups see them.
    pub sessions: Sessions,
    /// Requests for sign-in codes, in batches.
    pub code_requests: CodeRequests,
    /// Attempts to confirm codes, in batches.
    pub attempts: Attempts,
    /// Verified admin credentials.
    pub credentials: Credentials,
    /// Countries.
    pub geo: Geo,
    /// Games' engines.
    pub engines: EngineClient,
}

impl App {
    /// Over a migrated database.
    pub fn new(
        config: Config,
        process: Process,
        db: Db,
        nats: Option<Nats>,
    ) -> anyhow::Result<Self> {
        let (clock, tasks) = (process.clock.clone(), &process.tasks);
        let per_address = codes_per_address(config.auth.codes_per_address_per_hour);
        Ok(Self(Arc::new(Inner {
            keys: Keys::new(&config.auth.pepper)?,
            channel: Channel::default(),
            sessions: Sessions::new(tasks, &db),
            code_requests: send_code_batch::batcher(tasks, &db, &clock, per_address),
            attempts: confirm_code_batch::batcher(tasks, &db, &clock),
            credentials: Credentials::new()?,
            geo: Geo::new(config.geoip_db_path.as_deref()),
            engines: EngineClient::new(engine::Limits {
                call: config.limits.engine_timeout,
                ..engine::Limits::default()
            }),
            config,
            process,
            db,
            nats,
            clock,
        })))
    }

    /// Makes what must exist before the first request. Running it again changes nothing.
    pub async fn bootstrap(&self) -> anyhow::Result<()> {
        let now = self.clock.now();
        galaxy_events::outbox::maintain_partitions(&self.db, now, 8).await?;
        admin_accounts::bootstrap(self).await?;
        if let Some(engine) = &self.config.engine_bootstrap {
            let mut connection = self.db.acquire().await?;
            galaxy_runtime::versions::insert_bootstrap(
                &mut connection,
                &engine.version,
                &engine.image_ref,
                now,
            )
            .await
            .context(
                "BACKEND_ENGINE_BOOTSTRAP_VERSION or BACKEND_ENGINE_BOOTSTRAP_IMAGE is not right",
            )?;
        }
        Ok(())
    }

    /// Forgets verified admin credentials on every replica, after the commit that made them wrong.
    pub async fn forget_credentials(&self) {
        invalidation::forget_credentials(self).await;
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

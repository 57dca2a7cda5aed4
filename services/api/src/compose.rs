//! Builds each domain's state once, and gives it what it needs. Only the composition (this, the router and the loops)
//! knows all domains; a domain knows those below it.

use anyhow::Context as _;
use galaxy_core::Clock;
use galaxy_events::{Nats, outbox};
use galaxy_runtime::{
    engine::{self, EngineClient},
    versions,
};
use galaxy_service::Process;
use galaxy_store::Db;

use crate::{
    Config,
    account_lifecycle::AccountLifecycle,
    accounts::Accounts,
    auth::{Auth, sessions::Sessions},
    engine_proxy::EngineProxy,
    geo::Geo,
    invalidation::Invalidation,
    keys::Keys,
    lobby::Lobby,
    operators::{Operators, sign_in::credentials::Credentials},
};

/// How many days of partitions the outbox keeps at the start; a sweep applies the setting.
const OUTBOX_DAYS_AT_START: i32 = 8;

/// The state of each domain, and the channel that invalidates their caches.
pub struct Domains {
    pub accounts: Accounts,
    pub geo: Geo,
    pub sessions: Sessions,
    pub auth: Auth,
    pub lobby: Lobby,
    pub engine_proxy: EngineProxy,
    pub account_lifecycle: AccountLifecycle,
    pub operators: Operators,
    pub invalidation: Invalidation,
}

impl Domains {
    /// The domains over a migrated database. Without a broker, no cache serves.
    pub fn new(
        config: &Config,
        process: &Process,
        db: &Db,
        nats: Option<&Nats>,
    ) -> anyhow::Result<Self> {
        let (clock, tasks) = (&process.clock, &process.tasks);
        let keys = Keys::new(&config.pepper)?;
        let invalidation = Invalidation::new(nats.cloned());

        let unsubscribe_key = config.notifications.unsubscribe_key.as_ref();
        let accounts = Accounts::new(db, clock, unsubscribe_key);
        let geo = Geo::new(db, clock, config.geoip_db_path.as_deref());
        let sessions = Sessions::new(tasks, db, clock, &accounts, &invalidation);
        let auth = Auth::new(tasks, db, clock, &keys, config.auth, &geo, &sessions);

        let lobby = Lobby::new(db, clock, &keys, &accounts, &config.reserved_race_names);
        let engines = EngineClient::new(engine::Limits {
            call: config.limits.engine_timeout,
            answer: config.limits.engine_answer,
            ..engine::Limits::default()
        });
        let engine_proxy = EngineProxy::new(db, engines, &lobby);
        let account_lifecycle = AccountLifecycle::new(db, clock, &accounts, &sessions);

        let credentials = Credentials::new(db, clock, &keys, &invalidation)?;
        let operators = Operators::new(db, clock, credentials, &sessions, nats);
        Ok(Self {
            accounts,
            geo,
            sessions,
            auth,
            lobby,
            engine_proxy,
            account_lifecycle,
            operators,
            invalidation,
        })
    }
}

/// Creates what must exist before the first request. Running it again changes nothing.
pub async fn bootstrap(config: &Config, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    outbox::maintain_partitions(db, now, OUTBOX_DAYS_AT_START).await?;
    if let Some(operator) = &config.first_operator {
        operator.create(db, now).await?;
    }
    if let Some(engine) = &config.engine_bootstrap {
        let mut connection = db.acquire().await?;
        versions::insert_bootstrap(&mut connection, &engine.version, &engine.image_ref, now)
            .await
            .context(
                "BACKEND_ENGINE_BOOTSTRAP_VERSION or BACKEND_ENGINE_BOOTSTRAP_IMAGE is not right",
            )?;
    }
    Ok(())
}

//! Settings of the notifier.

use galaxy_events::NatsConfig;
use galaxy_notifications::Settings;
use galaxy_service::{Section, Vars};
use galaxy_store::PostgresConfig;

/// What the notifier needs to know beside what every process has.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    /// The database.
    pub postgres: PostgresConfig,
    /// The broker.
    pub nats: NatsConfig,
    /// Operators and links.
    pub settings: Settings,
}

impl Section for NotifierConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let postgres = PostgresConfig::read(vars);
        let nats = NatsConfig::read(vars);
        let settings = Settings::read(vars);
        Some(Self {
            postgres: postgres?,
            nats: nats?,
            settings: settings?,
        })
    }
}

//! The settings of the notifier.

use galaxy_events::NatsConfig;
use galaxy_notifications::Settings;
use galaxy_service::{Section, Vars};
use galaxy_store::PostgresConfig;

/// The settings beyond those of every process.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    pub postgres: PostgresConfig,
    pub nats: NatsConfig,
    /// The addresses of operators, and unsubscribe links.
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

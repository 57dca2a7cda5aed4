//! The six processes by name.

use std::fmt;

/// A process of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Api,
    RuntimeManager,
    Mailer,
    Notifier,
    PushHub,
    Gateway,
}

impl Service {
    /// All six, in the order of the documents.
    pub const ALL: [Self; 6] = [
        Self::Api,
        Self::RuntimeManager,
        Self::Mailer,
        Self::Notifier,
        Self::PushHub,
        Self::Gateway,
    ];

    /// The name of the binary, of the log and in `stack.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::RuntimeManager => "runtime-manager",
            Self::Mailer => "mailer",
            Self::Notifier => "notifier",
            Self::PushHub => "push-hub",
            Self::Gateway => "gateway",
        }
    }

    /// Documented port of its operations listener in the local stack.
    pub fn ops_port(self) -> u16 {
        9090 + match self {
            Self::Api => 0,
            Self::RuntimeManager => 1,
            Self::Mailer => 2,
            Self::Notifier => 3,
            Self::PushHub => 4,
            Self::Gateway => 5,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_service_has_a_name_and_a_port_of_its_own() {
        let names: BTreeSet<_> = Service::ALL.iter().map(|service| service.name()).collect();
        let ports: BTreeSet<_> = Service::ALL
            .iter()
            .map(|service| service.ops_port())
            .collect();
        assert_eq!((names.len(), ports.len()), (6, 6));
        assert_eq!(ports.first(), Some(&9090));
    }
}

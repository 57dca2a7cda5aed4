//! `--replicas NAME=N`.

use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use galaxy_stack::Service;

/// More than this machine has a use for.
const MOST: usize = 9;

/// So many of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    pub service: Service,
    pub number: usize,
}

impl FromStr for Replicas {
    type Err = Error;

    /// The processes with listeners of their own are left out: nothing here spreads calls over several of them.
    fn from_str(text: &str) -> Result<Self> {
        let (name, number) = text.split_once('=').context("is not NAME=N")?;
        let shared = [Service::RuntimeManager, Service::Mailer, Service::Notifier];
        let Some(service) = shared.into_iter().find(|service| service.name() == name) else {
            bail!(
                "{name} is not runtime-manager, mailer or notifier, which share work among replicas"
            );
        };
        match number.parse() {
            Ok(number) if (1..=MOST).contains(&number) => Ok(Self { service, number }),
            _ => bail!("{number} is not 1 to {MOST}"),
        }
    }
}

impl std::fmt::Display for Replicas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.service, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_share_work_can_have_replicas() {
        let two: Replicas = "runtime-manager=2".parse().unwrap();
        assert_eq!(two.service, Service::RuntimeManager);
        assert_eq!(
            (two.number, two.to_string()),
            (2, "runtime-manager=2".to_owned())
        );
        for wrong in [
            "runtime-manager",
            "gateway=2",
            "mailer=0",
            "mailer=10",
            "=2",
        ] {
            assert!(wrong.parse::<Replicas>().is_err(), "{wrong}");
        }
    }
}

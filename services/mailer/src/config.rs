//! The settings of the mailer.

use std::time::Duration;

use galaxy_events::NatsConfig;
use galaxy_service::{Section, Vars, config::Value, tls::Authorities};
use galaxy_store::PostgresConfig;
use lettre::{message::Mailbox, transport::smtp::client::Certificate};
use secrecy::ExposeSecret;

use crate::target::Target;

/// The settings beyond those of every process.
#[derive(Debug, Clone)]
pub struct MailerConfig {
    pub postgres: PostgresConfig,
    /// For wake-up hints only.
    pub nats: NatsConfig,
    pub target: Target,
    /// For each step of an SMTP transaction.
    pub timeout: Duration,
    /// Mails sent at once, each over a connection of its own.
    pub concurrency: u32,
    /// How long bodies of finished mails are kept.
    pub retention: Duration,
    pub sending: Sending,
}

/// The addresses in messages, and when a mail is given up.
#[derive(Debug, Clone)]
pub struct Sending {
    pub from: Mailbox,
    /// Where replies go, if not to the sender.
    pub reply_to: Option<Mailbox>,
    /// Attempts after which a mail is given up.
    pub max_attempts: u32,
}

/// A mailbox as the value of a variable.
struct MailboxValue(Mailbox);

impl Value for MailboxValue {
    const EXPECTED: &'static str = "a mailbox such as Galaxy <galaxy@example.org>";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Section for MailerConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let postgres = PostgresConfig::read(vars);
        let nats = NatsConfig::read(vars);
        let target = target(vars);
        let timeout = vars.or(
            "BACKEND_SMTP_TIMEOUT",
            "30s",
            "Timeout of each step of an SMTP transaction",
        );
        let concurrency = at_least_one(
            vars,
            "BACKEND_MAIL_CONCURRENCY",
            "8",
            "Mails sent at once, each over a connection of its own",
        );
        let retention = vars.or(
            "BACKEND_MAIL_RETENTION",
            "30d",
            "How long the bodies of finished mails are kept",
        );
        let sending = Sending::read(vars);
        Some(Self {
            postgres: postgres?,
            nats: nats?,
            target: target?,
            timeout: timeout?,
            concurrency: concurrency?,
            retention: retention?,
            sending: sending?,
        })
    }
}

impl Section for Sending {
    fn read(vars: &mut Vars) -> Option<Self> {
        let from = vars.required::<MailboxValue>("BACKEND_MAIL_FROM", "The sender of all mails");
        let reply_to = vars.optional::<MailboxValue>(
            "BACKEND_MAIL_REPLY_TO",
            "Where replies go, if not to the sender",
        );
        let max_attempts = at_least_one(
            vars,
            "BACKEND_MAIL_MAX_ATTEMPTS",
            "8",
            "Attempts after which a mail is given up",
        );
        Some(Self {
            from: from?.0,
            reply_to: reply_to?.map(|mailbox| mailbox.0),
            max_attempts: max_attempts?,
        })
    }
}

/// The address is a secret, since it may contain a password.
fn target(vars: &mut Vars) -> Option<Target> {
    let url = vars.secret(
        "BACKEND_SMTP_URL",
        "Where mail is sent: smtp://host, smtp+starttls://user:password@host, smtps://…, or file:<directory>",
    )?;
    let authorities = match Authorities::read(vars)? {
        Some(authorities) => match Certificate::from_pem(&authorities.pem) {
            Ok(certificate) => Some(certificate),
            Err(_) => return vars.problem("BACKEND_TLS_CA", "is refused by the SMTP client"),
        },
        None => None,
    };
    match Target::parse(url.expose_secret()) {
        Ok(Target::Smtp(server)) => Some(Target::Smtp(server.trusting(authorities))),
        Ok(target) => Some(target),
        Err(problem) => vars.problem("BACKEND_SMTP_URL", problem.to_string()),
    }
}

fn at_least_one(
    vars: &mut Vars,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Option<u32> {
    match vars.or(name, default, meaning)? {
        0 => vars.problem(name, "is not at least 1"),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_names_its_variable_and_none_reveals_the_password() {
        let mut vars = Vars::from_lookup(|name| match name {
            "BACKEND_SMTP_URL" => Some("smtps://user:hunter2@".to_owned()),
            "BACKEND_MAIL_FROM" => Some("nobody".to_owned()),
            "BACKEND_MAIL_CONCURRENCY" => Some("0".to_owned()),
            _ => None,
        });
        assert!(MailerConfig::read(&mut vars).is_none());
        let problems = vars.problems();
        for name in [
            "BACKEND_POSTGRES_URL",
            "BACKEND_SMTP_URL",
            "BACKEND_MAIL_FROM",
            "BACKEND_MAIL_CONCURRENCY",
        ] {
            assert!(problems.iter().any(|p| p.variable == name), "{name}");
        }
        assert!(!format!("{problems:?}").contains("hunter2"));
    }
}

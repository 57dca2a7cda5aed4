//! The settings of notifications: the operators' addresses and unsubscribe links.

use galaxy_core::EmailAddress;
use galaxy_service::{Secret, Section, Vars, config::Value};

/// Where operators are notified, and how players unsubscribe.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The recipients of notifications for operators; none are sent if empty.
    pub operators: Vec<EmailAddress>,
    /// The public address of the platform, without a trailing slash.
    pub public_url: Option<String>,
    /// Signs unsubscribe links; without it mails have no such links.
    pub unsubscribe_key: Option<Secret>,
}

struct Address(EmailAddress);

impl Value for Address {
    const EXPECTED: &'static str = "an e-mail address";

    fn parse(text: &str) -> Option<Self> {
        EmailAddress::parse(text).ok().map(Self)
    }
}

impl Section for Settings {
    fn read(vars: &mut Vars) -> Option<Self> {
        let operators = vars.or::<Vec<Address>>(
            "BACKEND_OPERATOR_EMAILS",
            "",
            "Who gets mails about failing engines, comma-separated",
        );
        let public_url = vars.optional::<String>(
            "BACKEND_PUBLIC_URL",
            "Where players reach the platform, for links in mails",
        );
        let unsubscribe_key = vars.optional_secret(
            "BACKEND_UNSUBSCRIBE_KEY",
            "Signs unsubscribe links (the same for notifier and api); without it mails have none",
        );
        let public_url = match public_url? {
            Some(url) if !(url.starts_with("https://") || url.starts_with("http://")) => {
                return vars.problem("BACKEND_PUBLIC_URL", "does not begin with https://");
            }
            url => url.map(|url| url.trim_end_matches('/').to_owned()),
        };
        Some(Self {
            operators: operators?.into_iter().map(|address| address.0).collect(),
            public_url,
            unsubscribe_key: unsubscribe_key?,
        })
    }
}

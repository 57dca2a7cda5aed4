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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn vars(pairs: &'static [(&'static str, &'static str)]) -> Vars {
        Vars::from_lookup(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_variables_there_are_no_operators_and_no_links() {
        let settings = Settings::read(&mut vars(&[])).unwrap();
        assert!(settings.operators.is_empty());
        assert!(settings.public_url.is_none() && settings.unsubscribe_key.is_none());
    }

    #[test]
    fn addresses_are_split_at_commas_and_the_url_loses_its_trailing_slash() {
        let mut vars = vars(&[
            ("BACKEND_OPERATOR_EMAILS", "a@example.org,b@example.org"),
            ("BACKEND_PUBLIC_URL", "https://galaxy.example/"),
            ("BACKEND_UNSUBSCRIBE_KEY", "key"),
        ]);
        let settings = Settings::read(&mut vars).unwrap();
        let operators: Vec<_> = settings.operators.iter().map(EmailAddress::typed).collect();
        assert_eq!(operators, ["a@example.org", "b@example.org"]);
        assert_eq!(
            settings.public_url.as_deref(),
            Some("https://galaxy.example")
        );
        assert_eq!(settings.unsubscribe_key.unwrap().expose_secret(), "key");
    }

    #[test]
    fn wrong_values_are_reported_with_their_variable() {
        let mut vars = vars(&[
            ("BACKEND_OPERATOR_EMAILS", "a@example.org,nobody"),
            ("BACKEND_PUBLIC_URL", "galaxy.example"),
        ]);
        assert!(Settings::read(&mut vars).is_none());
        let problems = vars.problems();
        for name in ["BACKEND_OPERATOR_EMAILS", "BACKEND_PUBLIC_URL"] {
            assert!(problems.iter().any(|p| p.variable == name), "{name}");
        }
    }
}

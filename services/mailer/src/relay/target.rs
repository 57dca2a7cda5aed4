//! The relay's address: `smtp://`, `smtp+starttls://` or `smtps://`, with user and password if it wants them.

use std::fmt;

use lettre::transport::smtp::authentication::Credentials;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::outlet::InvalidTarget;

/// How the conversation is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all: `smtp://`, port 25. For a relay on the same machine or network.
    Plain,
    /// By STARTTLS, which the relay must offer (RFC 3207): `smtp+starttls://`, port 587.
    StartTls,
    /// By TLS from the first byte (RFC 8314): `smtps://`, port 465.
    Tls,
}

/// Where the relay is. `Debug` does not show the credentials.
#[derive(Clone)]
pub struct Target {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the conversation is protected.
    pub security: Security,
    /// How to sign in, if it asks for that.
    pub credentials: Option<Credentials>,
}

impl Target {
    /// Reads an address such as `smtps://user:password@relay.example.org:465`; user and password percent-encoded.
    pub fn parse(text: &str) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).map_err(|_| InvalidTarget)?;
        let (security, default_port) = match url.scheme() {
            "smtp" => (Security::Plain, 25),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtps" => (Security::Tls, 465),
            _ => return Err(InvalidTarget),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| InvalidTarget)
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decode(url.username())?, decode(password)?)),
            None => None,
        };
        Ok(Self {
            host: host
                .ok_or(InvalidTarget)?
                .trim_matches(['[', ']'])
                .to_owned(),
            port: url.port().unwrap_or(default_port),
            security,
            credentials,
        })
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("signs_in", &self.credentials.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_gives_protection_and_port() {
        for (text, security, port) in [
            ("smtp://relay", Security::Plain, 25),
            ("smtp://relay:1025", Security::Plain, 1025),
            ("smtp+starttls://relay", Security::StartTls, 587),
            ("smtps://relay", Security::Tls, 465),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.security, target.port), (security, port), "{text}");
            assert_eq!(target.host, "relay");
        }
        assert_eq!(Target::parse("smtp://[::1]:25").unwrap().host, "::1");
    }

    #[test]
    fn credentials_are_decoded_and_not_shown() {
        let target = Target::parse("smtps://us%40er:p%3Ass@relay").unwrap();
        assert_eq!(
            target.credentials,
            Some(Credentials::new("us@er".to_owned(), "p:ss".to_owned()))
        );
        assert!(!format!("{target:?}").contains("p:ss"));
    }
}

//! Where mail is sent, as `BACKEND_SMTP_URL` names it: an SMTP server or a directory.

use std::{fmt, path::PathBuf};

use lettre::transport::smtp::{authentication::Credentials, client::Certificate};
use percent_encoding::percent_decode_str;
use url::Url;

/// Where mail is sent.
#[derive(Debug, Clone)]
pub enum Target {
    Smtp(SmtpServer),
    /// Mails are written as `.eml` files, for development.
    Directory(PathBuf),
}

/// An SMTP server and how to connect to it. `Debug` does not print the credentials.
#[derive(Clone)]
pub struct SmtpServer {
    /// A host name or an IP address.
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Used to authenticate; `None` if the server does not ask for that.
    pub credentials: Option<Credentials>,
    /// Authorities that its certificate may come from, besides the public ones.
    pub authorities: Option<Certificate>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all: `smtp://`, port 25. For a server on the same machine or network.
    Plain,
    /// By STARTTLS, which the server must offer (RFC 3207): `smtp+starttls://`, port 587.
    StartTls,
    /// By TLS from the first byte (RFC 8314): `smtps://`, port 465.
    Tls,
}

/// The text is not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not smtp://, smtp+starttls:// or smtps:// with a host, nor file:<directory>")]
pub struct InvalidTarget;

impl Target {
    /// Parses `file:<directory>` or an address such as `smtps://user:password@mail.example.org:465`, in which user and
    /// password are percent-encoded.
    pub fn parse(text: &str) -> Result<Self, InvalidTarget> {
        match text.strip_prefix("file:") {
            Some(path) => directory(path).map(Self::Directory),
            None => SmtpServer::parse(text).map(Self::Smtp),
        }
    }
}

fn directory(path: &str) -> Result<PathBuf, InvalidTarget> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Err(InvalidTarget);
    }
    Ok(path.into())
}

impl SmtpServer {
    /// The same server, whose certificate may come from these authorities as well.
    #[must_use]
    pub fn trusting(self, authorities: Option<Certificate>) -> Self {
        Self {
            authorities,
            ..self
        }
    }

    fn parse(text: &str) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).map_err(|_| InvalidTarget)?;
        let (security, default_port) = match url.scheme() {
            "smtp" => (Security::Plain, 25),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtps" => (Security::Tls, 465),
            _ => return Err(InvalidTarget),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
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
            authorities: None,
        })
    }
}

fn decode(text: &str) -> Result<String, InvalidTarget> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| InvalidTarget)
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("authenticates", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> SmtpServer {
        match Target::parse(text) {
            Ok(Target::Smtp(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_file_url_is_a_directory() {
        for (text, path) in [
            ("file:/tmp/m", "/tmp/m"),
            ("file:///tmp/m", "/tmp/m"),
            ("file:m", "m"),
        ] {
            let target = Target::parse(text).unwrap();
            assert!(
                matches!(target, Target::Directory(found) if found.as_os_str() == path),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "file:", "smtp://", "http://localhost", "localhost:25"] {
            assert_eq!(Target::parse(wrong).err(), Some(InvalidTarget), "{wrong}");
        }
    }

    #[test]
    fn the_scheme_sets_security_and_default_port() {
        for (text, security, port) in [
            ("smtp://mail", Security::Plain, 25),
            ("smtp://mail:1025", Security::Plain, 1025),
            ("smtp+starttls://mail", Security::StartTls, 587),
            ("smtps://mail", Security::Tls, 465),
        ] {
            let server = server(text);
            assert_eq!((server.security, server.port), (security, port), "{text}");
            assert_eq!(server.host, "mail");
        }
        assert_eq!(server("smtp://[::1]:25").host, "::1");
    }

    #[test]
    fn credentials_are_percent_decoded_and_not_printed() {
        let server = server("smtps://us%40er:p%3Ass@mail");
        assert_eq!(
            server.credentials,
            Some(Credentials::new("us@er".to_owned(), "p:ss".to_owned()))
        );
        assert!(!format!("{server:?}").contains("p:ss"));
    }
}

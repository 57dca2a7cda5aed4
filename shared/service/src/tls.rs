//! Certificates of the installation: authorities that it trusts besides the public ones, and what a process shows of itself.

use std::{fmt, path::PathBuf};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::config::Vars;

/// Authorities of the installation, which servers' certificates may come from besides the public ones.
#[derive(Debug, Clone)]
pub struct Authorities {
    /// The PEM file.
    pub path: PathBuf,
    /// What it holds: at least one certificate.
    pub pem: Vec<u8>,
}

impl Authorities {
    /// Reads `BACKEND_TLS_CA`, which all connections of a process share. The outer `None` is a problem that was recorded.
    pub fn read(vars: &mut Vars) -> Option<Option<Self>> {
        Self::read_as(
            vars,
            "BACKEND_TLS_CA",
            "A PEM file of authorities that the certificates of NATS, push-hub and the mail relay may come from, besides the public ones",
        )
    }

    /// Reads another variable.
    pub fn read_as(
        vars: &mut Vars,
        name: &'static str,
        meaning: &'static str,
    ) -> Option<Option<Self>> {
        let Some(path) = vars.optional::<PathBuf>(name, meaning)? else {
            return Some(None);
        };
        let pem = read_file(vars, name, &path)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Some(Some(Self { path, pem })),
            _ => vars.problem(name, "names a file that is not one of PEM certificates"),
        }
    }
}

/// A certificate, with those that lead to its authority, and its key; both as PEM. `Debug` does not print them.
#[derive(Clone)]
pub struct Identity {
    /// The certificates.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

impl Identity {
    /// Reads two variables that name PEM files; both are set or none. The outer `None` is a problem that was recorded.
    pub fn read(
        vars: &mut Vars,
        certificate: (&'static str, &'static str),
        key: (&'static str, &'static str),
    ) -> Option<Option<Self>> {
        let paths = (
            vars.optional::<PathBuf>(certificate.0, certificate.1),
            vars.optional::<PathBuf>(key.0, key.1),
        );
        let (of_certificate, of_key) = match (paths.0?, paths.1?) {
            (None, None) => return Some(None),
            (Some(_), None) => return vars.problem(key.0, "is not set, but its certificate is"),
            (None, Some(_)) => return vars.problem(certificate.0, "is not set, but its key is"),
            (Some(of_certificate), Some(of_key)) => (of_certificate, of_key),
        };
        let (name, key_name) = (certificate.0, key.0);
        let certificate = read_file(vars, name, &of_certificate)?;
        let key = read_file(vars, key_name, &of_key)?;
        if CertificateDer::from_pem_slice(&certificate).is_err() {
            return vars.problem(name, "names a file without a PEM certificate");
        }
        if PrivateKeyDer::from_pem_slice(&key).is_err() {
            return vars.problem(key_name, "names a file without a PEM private key");
        }
        Some(Some(Self { certificate, key }))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn read_file(vars: &mut Vars, name: &'static str, path: &std::path::Path) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(content) => Some(content),
        Err(error) => vars.problem(name, format!("names a file that cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the file that holds these bytes: what is read, and the variables with problems.
    fn read<T>(content: &str, read: impl FnOnce(&mut Vars) -> Option<Option<T>>) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let path = file.path().display().to_string();
        let mut vars = Vars::from_lookup(move |name| (name != "ABSENT").then(|| path.clone()));
        let found = read(&mut vars);
        assert_eq!(found.is_none(), !vars.problems().is_empty());
        let problems = vars.problems().iter();
        problems.map(|p| p.variable.to_string()).collect()
    }

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_file_of_authorities_holds_certificates() {
        let wrong = |content| read(content, Authorities::read);
        assert_eq!(wrong(CERTIFICATE), [""; 0]);
        assert_eq!(wrong(""), ["BACKEND_TLS_CA"]);
        assert_eq!(wrong("a text"), ["BACKEND_TLS_CA"]);
    }

    #[test]
    fn a_certificate_needs_its_key_and_a_key_its_certificate() {
        let wrong = |certificate: &'static str, key: &'static str| {
            read(CERTIFICATE, |vars| {
                Identity::read(vars, (certificate, ""), (key, ""))
            })
        };
        assert_eq!(wrong("ABSENT", "ABSENT"), [""; 0]);
        assert_eq!(wrong("ABSENT", "KEY"), ["ABSENT"]);
        assert_eq!(wrong("CERTIFICATE", "ABSENT"), ["ABSENT"]);
        assert_eq!(
            wrong("CERTIFICATE", "KEY"),
            ["KEY"],
            "a certificate is no key"
        );
    }
}

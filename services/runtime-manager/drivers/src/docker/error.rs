//! Docker's errors, seen by what to do about them.

use std::{error::Error as _, io};

use bollard::errors::Error;

use crate::DriverError;

/// Texts of a daemon that has run out of something.
const NO_ROOM: [&str; 5] = [
    "no space left on device",
    "cannot allocate memory",
    "disk quota exceeded",
    "no available ipv4 addresses",
    "non-overlapping ipv4 address pool",
];

/// The same error as a driver's.
pub(super) fn driver_error(error: Error) -> DriverError {
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => refusal(status_code, &message),
        Error::DockerStreamError { error } => refusal(500, &error),
        Error::CertPathError { .. }
        | Error::CertMultipleKeys { .. }
        | Error::CertParseError { .. }
        | Error::NoNativeCertsError { .. }
        | Error::LoadNativeCertsErrors { .. }
        | Error::URLParseError { .. }
        | Error::InvalidURIError { .. }
        | Error::InvalidURIPartsError { .. }
        | Error::UnsupportedURISchemeError { .. } => DriverError::invalid(error),
        error => connection(&error),
    }
}

/// Whether the thing that was asked about is not there.
pub(super) fn is_missing(error: &Error) -> bool {
    has_status(error, 404)
}

/// Whether something else has the name, or is in the way.
pub(super) fn is_conflict(error: &Error) -> bool {
    has_status(error, 409)
}

fn has_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

fn refusal(status: u16, message: &str) -> DriverError {
    let lower = message.to_lowercase();
    if NO_ROOM.iter().any(|text| lower.contains(text)) {
        return DriverError::no_capacity(message);
    }
    match status {
        401 | 403 => DriverError::denied(message),
        404 if lower.contains("no such image") => DriverError::no_image(message),
        // Something was removed by another hand between two calls: the next look shows what is there.
        404 | 409 => DriverError::unavailable(message),
        400..=499 => DriverError::invalid(message),
        // The container cannot be run as it is: a wrong entry point, an image for another machine.
        _ if lower.contains("oci runtime") || lower.contains("exec format error") => {
            DriverError::invalid(message)
        }
        _ => DriverError::unavailable(message),
    }
}

/// No answer. The chain of causes says more than the outermost error.
fn connection(error: &Error) -> DriverError {
    let mut text = error.to_string();
    let mut cause = error.source();
    let mut denied = matches!(error, Error::IOError { err } if is_denied(err));
    while let Some(inner) = cause {
        denied |= inner.downcast_ref::<io::Error>().is_some_and(is_denied);
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    if denied {
        DriverError::denied(text)
    } else {
        DriverError::unavailable(text)
    }
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_seen_by_what_to_do_about_it() {
        let seen = |status_code, message: &str| {
            driver_error(Error::DockerResponseServerError {
                status_code,
                message: message.to_owned(),
            })
        };
        assert!(matches!(
            seen(404, "No such image: a:1"),
            DriverError::NoImage(_)
        ));
        assert!(matches!(
            seen(404, "No such container: a"),
            DriverError::Unavailable(_)
        ));
        assert!(matches!(
            seen(409, "the name is in use"),
            DriverError::Unavailable(_)
        ));
        assert!(matches!(seen(403, "no"), DriverError::Denied(_)));
        assert!(matches!(
            seen(400, "No command specified"),
            DriverError::Invalid(_)
        ));
        assert!(matches!(
            seen(500, "mkdir /var/lib/docker: no space left on device"),
            DriverError::NoCapacity(_)
        ));
        assert!(matches!(
            seen(500, "OCI runtime create failed: exec"),
            DriverError::Invalid(_)
        ));
        assert!(matches!(
            seen(500, "containerd is restarting"),
            DriverError::Unavailable(_)
        ));
    }

    #[test]
    fn a_socket_that_may_not_be_opened_is_denied_and_one_that_is_closed_an_outage() {
        let seen = |kind| {
            driver_error(Error::IOError {
                err: io::Error::from(kind),
            })
        };
        assert!(matches!(
            seen(io::ErrorKind::PermissionDenied),
            DriverError::Denied(_)
        ));
        assert!(seen(io::ErrorKind::ConnectionRefused).is_outage());
        assert!(driver_error(Error::RequestTimeoutError).is_outage());
    }
}

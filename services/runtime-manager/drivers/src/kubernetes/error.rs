//! Errors of the cluster, seen by what to do about them.

use kube::{Error, core::Status};

use crate::DriverError;

/// The same error as a driver's.
pub(super) fn driver_error(error: Error) -> DriverError {
    match error {
        Error::Api(status) => refusal(&status),
        Error::Auth(error) => DriverError::denied(chain(&error)),
        Error::InferConfig(_)
        | Error::InferKubeconfig(_)
        | Error::ProxyProtocolUnsupported { .. }
        | Error::ProxyProtocolDisabled { .. }
        | Error::RustlsTls(_)
        | Error::TlsRequired
        | Error::BuildRequest(_)
        | Error::HttpError(_) => DriverError::invalid(chain(&error)),
        error => DriverError::unavailable(chain(&error)),
    }
}

/// Whether the thing that was asked about is not there.
pub(super) fn is_missing(error: &Error) -> bool {
    has_code(error, 404)
}

/// Whether something else has the name, or the object has changed since it was read.
pub(super) fn is_conflict(error: &Error) -> bool {
    has_code(error, 409)
}

/// `None` for a thing that is not there, or that another hand has changed: the next look shows.
pub(super) fn unless_changed<T>(result: Result<T, Error>) -> Result<Option<T>, DriverError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_missing(&error) || is_conflict(&error) => Ok(None),
        Err(error) => Err(driver_error(error)),
    }
}

fn has_code(error: &Error, code: u16) -> bool {
    matches!(error, Error::Api(status) if status.code == code)
}

fn refusal(status: &Status) -> DriverError {
    let text = if status.message.is_empty() {
        format!("{} {}", status.code, status.reason)
    } else {
        status.message.clone()
    };
    let lower = text.to_lowercase();
    match status.code {
        403 if lower.contains("exceeded quota") => DriverError::no_capacity(text),
        401 | 403 => DriverError::denied(text),
        507 => DriverError::no_capacity(text),
        // Something changed between two calls, or there are too many of them: the next look shows what is there.
        404 | 408 | 409 | 410 | 425 | 429 => DriverError::unavailable(text),
        400..=499 => DriverError::invalid(text),
        _ => DriverError::unavailable(text),
    }
}

/// The chain of causes says more than the outermost error.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(code: u16, message: &str) -> DriverError {
        let status = Status {
            code,
            message: message.to_owned(),
            ..Status::default()
        };
        driver_error(Error::Api(Box::new(status)))
    }

    #[test]
    fn a_refusal_is_seen_by_what_to_do_about_it() {
        let quota = r#"statefulsets "a" is forbidden: exceeded quota: engines, requested: cpu=1"#;
        assert!(matches!(seen(403, quota), DriverError::NoCapacity(_)));
        assert!(matches!(
            seen(403, "cannot create resource"),
            DriverError::Denied(_)
        ));
        assert!(matches!(seen(401, "Unauthorized"), DriverError::Denied(_)));
        assert!(matches!(seen(422, "is invalid"), DriverError::Invalid(_)));
        assert!(matches!(seen(400, "bad"), DriverError::Invalid(_)));
        for code in [404, 409, 410, 429, 500, 503, 504] {
            assert!(seen(code, "x").is_outage(), "{code}");
        }
    }

    #[test]
    fn texts_are_printable_and_never_empty() {
        let DriverError::Denied(text) = seen(403, "no\u{0}\u{1b}[31m") else {
            panic!("denied");
        };
        assert!(!text.contains(['\u{0}', '\u{1b}']), "{text:?}");
        assert!(matches!(seen(403, ""), DriverError::Denied(text) if text.starts_with("403")));
    }

    #[test]
    fn what_is_gone_or_changed_is_looked_at_again() {
        let api = |code| {
            Error::Api(Box::new(Status {
                code,
                ..Status::default()
            }))
        };
        for code in [404, 409] {
            assert_eq!(unless_changed::<()>(Err(api(code))), Ok(None));
        }
        assert!(unless_changed::<()>(Err(api(403))).is_err());
        assert_eq!(unless_changed(Ok(1)), Ok(Some(1)));
    }
}

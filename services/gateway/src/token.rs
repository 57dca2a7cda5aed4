//! What this gateway proves itself with to `api` and push-hub.
//!
//! While a token takes another's place, its file holds both, a line each, and not every process has read it again. The gateway
//! shows one of them, and another one after a refusal.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use galaxy_service::{Secret, config::RotatingSecret};
use http::HeaderValue;
use secrecy::ExposeSecret;

/// The token in use. Clones share which one it is.
#[derive(Debug, Clone)]
pub struct GatewayToken {
    secret: RotatingSecret,
    /// Which line is shown.
    line: Arc<AtomicUsize>,
}

impl GatewayToken {
    /// Shows the first line of `secret`.
    pub fn new(secret: RotatingSecret) -> Self {
        Self {
            secret,
            line: Arc::default(),
        }
    }

    /// The value of `Authorization`; `None` if the token can be no header.
    pub fn header(&self) -> Option<HeaderValue> {
        let lines = self.secret.lines();
        let line = self.line.load(Ordering::Relaxed);
        bearer(lines.get(line).or(lines.first())?)
    }

    /// Reads the file again after `refused` was not accepted. The value to show from now on, if there is another one.
    pub fn after_refusal(&self, refused: &HeaderValue) -> Option<HeaderValue> {
        self.secret.reread();
        let headers = self.headers();
        let line = match headers.iter().position(|header| header == refused) {
            Some(line) => (line + 1) % headers.len(),
            None => 0,
        };
        let other = headers.get(line).filter(|header| *header != refused)?;
        self.line.store(line, Ordering::Relaxed);
        tracing::warn!("the gateway's token was refused; trying another one of its file");
        Some(other.clone())
    }

    fn headers(&self) -> Vec<HeaderValue> {
        self.secret.lines().iter().filter_map(bearer).collect()
    }
}

fn bearer(token: &Secret) -> Option<HeaderValue> {
    let text = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(token: &GatewayToken) -> HeaderValue {
        token.header().unwrap()
    }

    #[test]
    fn the_next_line_is_shown_after_a_refusal_and_the_first_again_after_the_last() {
        let token = GatewayToken::new("new\nold".into());
        assert_eq!(shown(&token), "Bearer new");
        assert_eq!(token.after_refusal(&shown(&token)).unwrap(), "Bearer old");
        let clone = token.clone();
        assert_eq!(shown(&clone), "Bearer old");
        assert_eq!(clone.after_refusal(&shown(&clone)).unwrap(), "Bearer new");
        assert_eq!(shown(&token), "Bearer new");
    }

    #[test]
    fn there_is_nothing_else_to_show_of_a_single_line() {
        let token = GatewayToken::new("only".into());
        assert_eq!(token.after_refusal(&shown(&token)), None);
        assert_eq!(shown(&token), "Bearer only");
    }

    #[test]
    fn two_requests_that_were_refused_at_once_go_on_with_the_same_line() {
        let token = GatewayToken::new("new\nold".into());
        let refused = shown(&token);
        for _ in 0..2 {
            assert_eq!(token.after_refusal(&refused).unwrap(), "Bearer old");
        }
    }
}

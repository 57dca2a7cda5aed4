//! Waiting for a condition with a deadline.

use std::time::Duration;

use anyhow::{Result, anyhow};

/// Polls `condition` until it returns a value. An error counts as "not yet", since faults are transient; after `within`
/// the last one is returned, with `what`.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = tokio::time::Instant::now() + within;
    loop {
        let error = match condition().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if tokio::time::Instant::now() >= deadline {
            let late = format!("not within {within:?}: {what}");
            return Err(
                error.map_or_else(|| anyhow!("{late}"), |error| error.context(late.clone()))
            );
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

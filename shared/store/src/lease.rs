//! Leases: a worker that claimed a row holds it for a while, renews it beside the work, and is fenced off by the token when
//! it is late.
//!
//! The claim itself is SQL of the crate that owns the table: set a new [`LeaseToken`] and `lease_expires_at` on rows found
//! with `for update skip locked`. Every later write of the holder says `where lease_token = $token`; if it changes no row,
//! the lease is lost.

use std::{future::Future, time::Duration};

pub use galaxy_core::LeaseToken;
use tokio::time::Instant;

use crate::error::Result;

/// Another worker has the lease, or it could not be renewed in time. The work was stopped; its result must not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost")]
pub struct Lost;

/// Runs `work` while renewing the lease every third of `length`.
///
/// `renew` returns whether the lease is still held. If it is not, or if no renewal was answered for a whole `length`, `work`
/// is dropped where it is: from then on another worker may hold the lease. A renewal that does not return counts as failed.
pub async fn hold<T, R>(
    length: Duration,
    renew: impl Fn() -> R,
    work: impl Future<Output = T>,
) -> std::result::Result<T, Lost>
where
    R: Future<Output = Result<bool>>,
{
    let renewals = async {
        let mut held_until = Instant::now() + length;
        loop {
            tokio::time::sleep_until((Instant::now() + length / 3).min(held_until)).await;
            let asked = Instant::now();
            match tokio::time::timeout_at(held_until, renew()).await {
                // The database counted from a moment after the question.
                Ok(Ok(true)) => held_until = asked + length,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a lease could not be renewed");
                    if Instant::now() >= held_until {
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        done = work => Ok(done),
        () = renewals => Err(Lost),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        time::Duration,
    };

    use super::*;

    const LENGTH: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_longer_than_a_lease_continues_while_it_is_renewed() {
        let work = tokio::time::sleep(LENGTH * 5);
        assert_eq!(hold(LENGTH, || ready(Ok(true)), work).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_when_the_lease_is_lost() {
        let held = hold(LENGTH, || ready(Ok(false)), pending::<()>()).await;
        assert_eq!(held, Err(Lost));
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_when_no_renewal_returns_before_the_lease_ends() {
        let began = Instant::now();
        let held = hold(LENGTH, pending, pending::<()>()).await;
        assert_eq!((held, began.elapsed()), (Err(Lost), LENGTH));
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_when_renewals_have_failed_for_the_length_of_the_lease() {
        let began = Instant::now();
        let fail = || ready(Err(crate::Error::from(sqlx::Error::PoolTimedOut)));
        let held = hold(LENGTH, fail, pending::<()>()).await;
        assert_eq!((held, began.elapsed()), (Err(Lost), LENGTH));
    }
}

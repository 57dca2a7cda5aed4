//! Rate limits: token buckets per address, session, user and class of operation.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use galaxy_core::{DeviceSessionId, SourceNetwork, UserId};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use crate::{
    config::{Rate, RateLimitsConfig},
    refusal::Refusal,
    routes::Class,
};

/// How often full buckets are removed.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// All buckets of this gateway.
#[derive(Debug)]
pub struct RateLimits {
    address: Buckets<SourceNetwork>,
    session: Buckets<(SourceNetwork, DeviceSessionId)>,
    read: Buckets<UserId>,
    write: Buckets<UserId>,
    engine: Buckets<UserId>,
    subscribe: Buckets<UserId>,
    sign_in: Buckets<SourceNetwork>,
}

type Buckets<K> = DefaultKeyedRateLimiter<K>;

impl RateLimits {
    pub fn new(config: RateLimitsConfig) -> Self {
        Self {
            address: buckets(config.address),
            session: buckets(config.session),
            read: buckets(config.read),
            write: buckets(config.write),
            engine: buckets(config.engine),
            subscribe: buckets(config.subscribe),
            sign_in: buckets(config.sign_in),
        }
    }

    /// Counts a request that is not authenticated. Its session is only claimed, so it is limited per address: a client
    /// cannot use up the requests of another client's session.
    pub fn unauthenticated(&self, source: IpAddr, session: DeviceSessionId) -> Result<(), Refusal> {
        let source = SourceNetwork::of(source);
        take(&self.address, &source)?;
        take(&self.session, &(source, session))
    }

    /// Counts a request that the user has signed.
    pub fn authenticated(&self, user: UserId, class: Class) -> Result<(), Refusal> {
        let buckets = match class {
            Class::Read => &self.read,
            Class::Write => &self.write,
            Class::Engine => &self.engine,
            Class::Subscribe => &self.subscribe,
        };
        take(buckets, &user)
    }

    /// Counts a request to sign in.
    pub fn sign_in(&self, source: IpAddr) -> Result<(), Refusal> {
        let source = SourceNetwork::of(source);
        take(&self.address, &source)?;
        take(&self.sign_in, &source)
    }

    /// Removes full buckets, so that memory is bounded by the current traffic. Call it every [`SWEEP_INTERVAL`].
    pub fn sweep(&self) {
        self.address.retain_recent();
        self.session.retain_recent();
        self.sign_in.retain_recent();
        for buckets in [&self.read, &self.write, &self.engine, &self.subscribe] {
            buckets.retain_recent();
        }
    }
}

fn buckets<K: Hash + Eq + Clone>(Rate(rate): Rate) -> Buckets<K> {
    let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
    RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
}

fn take<K: Hash + Eq + Clone>(buckets: &Buckets<K>, key: &K) -> Result<(), Refusal> {
    buckets.check_key(key).map_err(|not_until| {
        Refusal::RateLimited(not_until.wait_time_from(DefaultClock::default().now()))
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn limits(rate: u32) -> RateLimits {
        let rate = Rate(NonZeroU32::new(rate).unwrap());
        RateLimits::new(RateLimitsConfig {
            address: Rate(NonZeroU32::new(1_000).unwrap()),
            session: rate,
            read: rate,
            write: rate,
            engine: rate,
            subscribe: rate,
            sign_in: rate,
        })
    }

    fn accepted(mut attempt: impl FnMut() -> Result<(), Refusal>) -> usize {
        (0..100).take_while(|_| attempt().is_ok()).count()
    }

    #[test]
    fn an_unauthenticated_client_cannot_use_up_the_requests_of_another_clients_session() {
        let limits = limits(1);
        let session = DeviceSessionId::generate();
        let (attacker, owner) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert_eq!(accepted(|| limits.unauthenticated(attacker, session)), 2);
        assert!(limits.unauthenticated(owner, session).is_ok());
    }

    #[test]
    fn classes_of_operations_are_limited_separately() {
        let limits = limits(1);
        let user = UserId::generate();
        assert_eq!(accepted(|| limits.authenticated(user, Class::Write)), 2);
        assert_eq!(accepted(|| limits.authenticated(user, Class::Read)), 2);
        assert!(
            limits
                .authenticated(UserId::generate(), Class::Write)
                .is_ok()
        );
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_bucket() {
        let limits = limits(1);
        let addresses = (0..100u16).map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
        let accepted = addresses.filter(|address| limits.sign_in((*address).into()).is_ok());
        assert_eq!(accepted.count(), 2);
    }

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let limits = limits(1);
        let user = UserId::generate();
        let refusal = (0..3)
            .find_map(|_| limits.authenticated(user, Class::Read).err())
            .unwrap();
        let Refusal::RateLimited(wait) = refusal else {
            panic!("{refusal:?}")
        };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1));
    }
}

//! The part of a source address that limits count by.

use std::net::{IpAddr, Ipv6Addr};

/// The key of a source address wherever requests are counted: an IPv4 address, or the /64 network of an IPv6 address,
/// since a single host has all addresses of its /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceNetwork(IpAddr);

impl SourceNetwork {
    /// The network of `address`. An IPv4 address that is written as an IPv6 one counts as the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }

    /// The four bytes of an IPv4 address, or the eight of an IPv6 prefix.
    pub fn to_bytes(self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets()[..8].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> SourceNetwork {
        SourceNetwork::of(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_address_counts_as_its_64_and_an_ipv4_address_as_itself() {
        let one = network("2001:db8:1:2::1");
        assert_eq!(one, network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(one, network("2001:db8:1:3::1"));
        assert_eq!(one.to_bytes(), [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2]);
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1").to_bytes(), [192, 0, 2, 1]);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_form_is_the_ipv4_address() {
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}

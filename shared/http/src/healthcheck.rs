//! The client of the verb `healthcheck`: asks the operations listener of the same settings, for images without a shell.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// For connecting, and for each part of the answer. Readiness probes of servers that hang take seconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// More than any answer has, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// Asks `GET /readyz` at the listener of `address`. Err: why the process is not ready, with the body of its answer.
pub(crate) fn ready(address: SocketAddr) -> Result<(), String> {
    let address = dialled(address);
    let answer = ask(address).map_err(|error| format!("no answer from {address}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(format!("{status} {body}"))
}

/// A process that listens on every address is asked on the loopback one.
fn dialled(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_the_loopback_one() {
        for (listener, asked) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:1", "10.0.0.1:1"),
        ] {
            assert_eq!(dialled(listener.parse().unwrap()), asked.parse().unwrap());
        }
    }
}

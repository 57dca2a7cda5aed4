//! `engine healthcheck`: for images without a shell, where nothing else could ask.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Config, port_file};

/// For connecting, and for each part of the answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// More than any answer to `/healthz` has, in bytes.
const MAX_ANSWER: u64 = 4096;

/// Asks the engine with the same settings; an error if it does not answer 200.
pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    let address = match &config.port_file {
        Some(file) if config.listen.port() == 0 => port_file::read(file)?,
        _ => config.listen,
    };
    let address = dialled(address);
    let answer = ask(address).with_context(|| format!("no answer from {address}"))?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!("not healthy: {}", answer.lines().next().unwrap_or_default());
    }
    Ok(())
}

/// An engine that listens on every address is asked on the loopback one.
fn dialled(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}

//! Whether a port belongs to an engine (proc_pid_net(5), proc_pid_fd(5)): the engine could name any.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr},
};

use super::procfs;

/// The state LISTEN in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listener {
    Nobody,
    TheGroup,
    Another,
    /// `/proc` does not show the tables, or not what the group's processes have open.
    CannotTell,
}

/// Who listens at 127.0.0.1:`port`, seen from the process `leader`, which leads its group.
pub(super) fn of_port(leader: i32, port: u16) -> io::Result<Listener> {
    let table = |name| read(&format!("/proc/{leader}/net/{name}"));
    let (Some(v4), v6) = (table("tcp")?, table("tcp6")?) else {
        return Ok(Listener::CannotTell);
    };
    let mut sockets = listening(&v4, port);
    sockets.extend(listening(&v6.unwrap_or_default(), port));
    if sockets.is_empty() {
        return Ok(Listener::Nobody);
    }
    let mut hidden = false;
    for pid in std::iter::once(leader).chain(procfs::group(leader)?) {
        match has_open(pid, &sockets) {
            Ok(true) => return Ok(Listener::TheGroup),
            Ok(false) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => hidden = true,
        }
    }
    Ok(if hidden {
        Listener::CannotTell
    } else {
        Listener::Another
    })
}

/// The names of the sockets that take connections to 127.0.0.1:`port`, as `/proc/<pid>/fd` shows them.
fn listening(table: &str, port: u16) -> Vec<String> {
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, local_port) = fields.get(1)?.rsplit_once(':')?;
        let right = u16::from_str_radix(local_port, 16).ok()? == port
            && *fields.get(3)? == LISTEN
            && takes_loopback(address)?;
        right.then(|| format!("socket:[{}]", fields[9]))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// The kernel prints an address as 32-bit words of this machine's byte order.
fn takes_loopback(address: &str) -> Option<bool> {
    let mut bytes = vec![];
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(v4) = <[u8; 4]>::try_from(bytes.as_slice()) {
        let v4 = Ipv4Addr::from(v4);
        return Some(v4 == Ipv4Addr::LOCALHOST || v4.is_unspecified());
    }
    let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?);
    Some(v6.is_unspecified() || v6.to_ipv4_mapped() == Some(Ipv4Addr::LOCALHOST))
}

fn has_open(pid: i32, sockets: &[String]) -> io::Result<bool> {
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        // A descriptor may be closed meanwhile.
        if let Ok(target) = fs::read_link(entry?.path())
            && sockets
                .iter()
                .any(|socket| target.as_os_str() == socket.as_str())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(file: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, UdpSocket};

    use super::*;

    /// The group of this process, as if it were an engine's: the test runner may be the leader.
    fn me() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    #[test]
    fn a_port_is_ours_if_one_of_us_listens_there() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let Ok(listener) = TcpListener::bind(address.parse::<SocketAddr>().unwrap()) else {
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            assert_eq!(
                of_port(me(), port).unwrap(),
                Listener::TheGroup,
                "{address}"
            );
            drop(listener);
            assert_eq!(of_port(me(), port).unwrap(), Listener::Nobody, "{address}");
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        assert_eq!(of_port(me(), port).unwrap(), Listener::Nobody);
    }

    #[test]
    fn a_port_of_another_process_is_not_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let other_pid = i32::try_from(other.id()).unwrap();
        let seen = of_port(other_pid, port);
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(seen.unwrap(), Listener::Another);
    }
}

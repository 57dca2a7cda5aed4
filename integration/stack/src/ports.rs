//! Ports of the loopback interface. A locked file per port keeps two stacks of this machine from using the same one.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context, Result, bail};

/// Below the range from which operating systems hand out ports to outgoing connections.
const FREE_RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port that is reserved as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:<number>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// The documented one, another if it is taken.
    Documented,
    /// Any free one: for tests.
    Free,
}

impl Ports {
    /// A port for a listener whose documented one is `documented`.
    pub fn pick(self, documented: u16) -> Result<Port> {
        if self == Self::Documented
            && let Some(port) = claim(documented)?
        {
            return Ok(port);
        }
        any()
    }
}

/// Tries the free range once, starting at another number in each process.
fn any() -> Result<Port> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let size = FREE_RANGE.end - FREE_RANGE.start;
    let start = u16::try_from(std::process::id() % u32::from(size)).unwrap_or(0);
    for _ in 0..size {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = FREE_RANGE.start + (start.wrapping_mul(7).wrapping_add(step)) % size;
        if let Some(port) = claim(number)? {
            return Ok(port);
        }
    }
    bail!(
        "no free port between {} and {}",
        FREE_RANGE.start,
        FREE_RANGE.end
    )
}

/// `None` if another stack has reserved it or something listens there.
fn claim(number: u16) -> Result<Option<Port>> {
    let dir = lock_dir();
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join(number.to_string());
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    if lock.try_lock().is_err() || TcpListener::bind(("127.0.0.1", number)).is_err() {
        return Ok(None);
    }
    Ok(Some(Port {
        number,
        _lock: lock,
    }))
}

fn lock_dir() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("galaxy-ports-{user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_not_picked_again_until_it_is_released() {
        let first = Ports::Free.pick(0).unwrap();
        assert!(
            claim(first.number()).unwrap().is_none(),
            "reserved by a stack"
        );
        let number = first.number();
        drop(first);
        assert_eq!(claim(number).unwrap().unwrap().number(), number);
    }

    #[test]
    fn a_documented_port_with_a_listener_gives_another() {
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let documented = busy.local_addr().unwrap().port();
        let port = Ports::Documented.pick(documented).unwrap();
        assert_ne!(port.number(), documented);
        assert!(FREE_RANGE.contains(&port.number()));
    }
}

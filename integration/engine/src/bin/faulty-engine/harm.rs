//! What a process can do to its machine.

use std::{
    io::{self, Write as _},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{CHILD, faults::Start};

/// Memory that was taken for good.
static TAKEN: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

impl Start {
    /// Does what is to go wrong at the start, but for the delay and the signals.
    pub fn apply(&self) -> io::Result<()> {
        fill_log(self.log_bytes)?;
        take_memory(self.memory_bytes);
        start_children(self.children)?;
        if let Some(exit) = self.exit {
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(exit.after_ms));
                std::process::exit(exit.code);
            });
        }
        Ok(())
    }
}

/// Writes lines to standard error.
pub fn fill_log(bytes: usize) -> io::Result<()> {
    const LINE: &[u8] = b"a line of 64 bytes that says nothing at all, written by a fault\n";
    let mut log = io::stderr().lock();
    for _ in 0..bytes / LINE.len() {
        log.write_all(LINE)?;
    }
    Ok(())
}

/// Every byte is written, so that the memory is really used.
pub fn take_memory(bytes: usize) {
    let memory = vec![1; bytes];
    TAKEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(memory);
}

/// Starts this program again as processes that only wait, in its own process group. Nobody waits for their end.
pub fn start_children(count: u32) -> io::Result<()> {
    let program = std::env::current_exe()?;
    for _ in 0..count {
        Command::new(&program)
            .arg(CHILD)
            .stdin(Stdio::null())
            .spawn()?;
    }
    Ok(())
}

pub fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

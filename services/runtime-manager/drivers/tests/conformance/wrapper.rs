//! Program 1 of an image whose engine is the reference engine: does as `WRAPPER` says. Static, from the standard library
//! alone.

use std::{env, os::unix::process::CommandExt as _, process, process::Command, thread, time::Duration};

fn main() {
    match env::var("WRAPPER").unwrap_or_default().as_str() {
        "exits with 7" => process::exit(7),
        "rests" => rest(),
        "ignores SIGTERM" => {
            // Process 1 has no default reaction to signals.
            Command::new("/engine").spawn().unwrap();
            rest()
        }
        "forks" => {
            for _ in 0..2 {
                Command::new("/wrapper").env("WRAPPER", "rests").spawn().unwrap();
            }
        }
        _ => {}
    }
    panic!("{}", Command::new("/engine").exec());
}

fn rest() -> ! {
    loop {
        thread::sleep(Duration::from_secs(600));
    }
}

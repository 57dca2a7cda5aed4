//! A program that stands for an engine and tells what it may do. Built by `image.rs`, static, from the standard library
//! alone: its image holds nothing else. It does as `GET /<verb>?<argument>` says, and ignores SIGTERM, as process 1 does.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream, ToSocketAddrs as _},
    process, thread,
    time::Duration,
};

fn main() {
    if let Ok(code) = env::var("PROBE_EXIT") {
        println!("exits at once");
        process::exit(code.parse().unwrap());
    }
    println!("epoch {}", env::var("ENGINE_EPOCH").unwrap_or_default());
    let listener = TcpListener::bind(env::var("ENGINE_LISTEN_ADDR").unwrap()).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        let target = line.split(' ').nth(1).unwrap_or_default();
        let (verb, argument) = target.split_once('?').unwrap_or((target, ""));
        let answer = answer(verb, argument);
        let _ = write!(stream, "HTTP/1.0 200 OK\r\n\r\n{answer}");
    }
}

fn answer(verb: &str, argument: &str) -> String {
    match verb {
        "/env" => env::vars().map(|(name, value)| format!("{name}={value}\n")).collect(),
        "/read" => fs::read_to_string(argument).unwrap_or_else(|error| error.to_string()),
        "/write" => outcome(fs::write(argument, "written")),
        "/connect" => {
            let address = argument.to_socket_addrs().unwrap().next().unwrap();
            outcome(TcpStream::connect_timeout(&address, Duration::from_secs(2)).map(drop))
        }
        "/threads" => threads(argument.parse().unwrap()).to_string(),
        "/eat" => eat(argument.parse().unwrap()).to_string(),
        "/say" => {
            for n in 0..argument.parse().unwrap() {
                println!("line {n} {}", "x".repeat(100));
            }
            "said".to_owned()
        }
        "/exit" => process::exit(argument.parse().unwrap()),
        _ => "?".to_owned(),
    }
}

fn outcome(result: std::io::Result<()>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// How many threads there can be, up to `wanted`.
fn threads(wanted: usize) -> usize {
    let mut made = 0;
    while made < wanted {
        let sleeper = thread::Builder::new().stack_size(16 * 1024);
        if sleeper.spawn(|| thread::sleep(Duration::from_secs(5))).is_err() {
            break;
        }
        made += 1;
    }
    made
}

/// Uses so many MiB, a page at a time.
fn eat(mib: usize) -> usize {
    let mut eaten = vec![0_u8; mib * 1024 * 1024];
    for page in eaten.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&eaten).iter().step_by(4096).map(|b| *b as usize).sum()
}

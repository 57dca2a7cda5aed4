//! What the suite needs to know of a driver.

use std::{future::Future, sync::Arc, time::Duration};

use galaxy_core::{Endpoint, GameId};
use galaxy_drivers::Driver;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An engine that the suite runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reference engine.
    Reference,
    /// The reference engine under another image, whose digest differs.
    Other,
    /// Ends at once, with code 7.
    ExitsWith7,
    /// Comes up as the reference engine does, and does not end when it is told to.
    IgnoresTerm,
    /// Comes up as the reference engine does, and has child processes that do nothing and stay.
    Forks,
    /// An image that is nowhere.
    Missing,
}

/// How the harness's driver runs a [`Kind`].
pub struct Program {
    pub image: String,
    /// What the engine's environment needs for it.
    pub environment: Vec<(String, String)>,
}

/// A node of a driver, for one test.
pub trait Harness: Sync {
    /// Whether there is what the driver needs. Otherwise the test ends at once, and has said so.
    fn is_there(&self) -> bool {
        true
    }

    /// Whether the log of the run before the current one is kept.
    fn keeps_previous_log(&self) -> bool;

    /// A driver of the node. Each call gives a new one, as another manager of the same node would have it.
    fn driver(&self) -> impl Future<Output = Arc<dyn Driver>> + Send;

    fn program(&self, kind: Kind) -> Program;

    /// Sends SIGKILL to the game's engine, behind the driver's back. Its children are spared where that is possible.
    fn kill(&self, game: GameId) -> impl Future<Output = ()> + Send;

    /// How many engines of the game run, and how many processes in all of them.
    fn running(&self, game: GameId) -> impl Future<Output = Running> + Send;

    /// Calls an engine; the answer's status and body. `token` and game id are in the call's headers.
    fn call(
        &self,
        endpoint: &Endpoint,
        call: &Call<'_>,
    ) -> impl Future<Output = (u16, String)> + Send {
        async {
            let answer = tokio::time::timeout(Duration::from_secs(10), http(endpoint, call)).await;
            answer.expect("an answer in time").expect("an answer")
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    pub engines: usize,
    pub processes: usize,
}

/// A call of an engine.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub body: String,
    pub game: GameId,
    pub token: Option<&'a str>,
}

pub async fn http(endpoint: &Endpoint, call: &Call<'_>) -> std::io::Result<(u16, String)> {
    let authority = endpoint.authority();
    let mut stream = TcpStream::connect(&authority).await?;
    let token = call.token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let (method, path, game, body) = (call.method, call.path, call.game, &call.body);
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\nx-galaxy-game-id: {game}\r\n{token}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.unwrap_or(0), body.to_owned()))
}

//! Looking: what there is of one game, and of all.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use galaxy_core::{Endpoint, GameId};

use super::{
    environment::Search,
    home::{Home, Note, NotedExit},
    lock::Lock,
    log,
    place::{Engine, Place},
    procfs::ProcessId,
    socket::{self, Listener},
};
use crate::{DriverError, Instance, Listing, LogQuery, Result, Sight};

/// Games on a page of a listing.
const PAGE: usize = 1_000;
/// How long a look waits for somebody who works on the game.
const LOCK_WAIT: Duration = Duration::from_millis(200);

impl Place {
    pub(super) fn observe(self: &Arc<Self>, game: GameId) -> Result<Sight> {
        self.root.check()?;
        Ok(self.look(game, &Search::default())?)
    }

    /// Everything of a page that can be read. A root that is not the node's (missing, empty, another one) proves nothing, also
    /// if it was swapped while it was read.
    pub(super) fn list(self: &Arc<Self>, page: Option<&str>) -> Result<Listing> {
        let begin = page.map(str::parse::<GameId>).transpose();
        let begin = begin.map_err(DriverError::invalid)?;
        let mut listing = Listing {
            engines: vec![],
            complete: true,
            as_of: self.clock.now(),
            next: None,
        };
        let read = self
            .root
            .check()
            .and_then(|()| self.read_page(begin, PAGE, &mut listing))
            .and_then(|()| self.root.check());
        if let Err(error) = read {
            tracing::warn!(%error, "the engines' directory cannot be read");
            listing.complete = false;
        }
        Ok(listing)
    }

    fn read_page(
        self: &Arc<Self>,
        begin: Option<GameId>,
        size: usize,
        listing: &mut Listing,
    ) -> io::Result<()> {
        let (games, complete) = self.root.games()?;
        listing.complete = complete;
        let begin = games.partition_point(|game| begin.is_some_and(|begin| *game < begin));
        let end = games.len().min(begin + size);
        let search = Search::default();
        for game in &games[begin..end] {
            match self.look(*game, &search) {
                Ok(Sight::Absent) => {}
                Ok(sight) => listing.engines.push((*game, sight)),
                Err(error) => {
                    tracing::warn!(game_id = %game, %error, "a game's directory cannot be read");
                    listing.complete = false;
                    listing.engines.push((*game, Sight::Unknown(text(&error))));
                }
            }
        }
        listing.next = games.get(end).map(ToString::to_string);
        Ok(())
    }

    pub(super) fn logs(&self, game: GameId, query: LogQuery) -> Result<Vec<Bytes>> {
        self.root.check()?;
        let home = self.root.home(game);
        let file = if query.previous {
            home.previous_log()
        } else {
            home.log()
        };
        Ok(log::tail(&file, query.tail)?)
    }

    fn look(self: &Arc<Self>, game: GameId, search: &Search) -> io::Result<Sight> {
        let home = self.root.home(game);
        let engine = self.engine(&home, search)?;
        match engine {
            Engine::Unstarted(note) => self.look_again(game, &home, note.epoch),
            Engine::Ended(note) if note.exit.is_none() => self.look_again(game, &home, note.epoch),
            Engine::Alive(note, _) if note.process.is_none() => {
                self.look_again(game, &home, note.epoch)
            }
            Engine::Alive(ref note, _) => {
                trim_log(&home, note);
                self.sight(game, &home, engine)
            }
            engine => self.sight(game, &home, engine),
        }
    }

    /// Somebody may be about to note what happens, which is done under the lock: what is not noted then was not seen.
    fn look_again(self: &Arc<Self>, game: GameId, home: &Home, epoch: i64) -> io::Result<Sight> {
        let _lock = match Lock::take(&home.lock_file(), LOCK_WAIT) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sight::Absent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let why = "somebody works on it".to_owned();
                return Ok(Sight::Pending { epoch, why });
            }
            Err(error) => return Err(error),
        };
        let mut engine = self.engine_locked(home)?;
        if let Engine::Ended(note) = &mut engine
            && note.exit.is_none()
        {
            note.exit = Some(NotedExit {
                code: None,
                at: None,
            });
            home.write_note(note)?;
        }
        self.sight(game, home, engine)
    }

    /// What `engine` looks like to others.
    pub(super) fn sight(
        self: &Arc<Self>,
        game: GameId,
        home: &Home,
        engine: Engine,
    ) -> io::Result<Sight> {
        Ok(match engine {
            Engine::None | Engine::Unstarted(_) if home.has_state()? => Sight::StateOnly,
            Engine::None | Engine::Unstarted(_) => Sight::Absent,
            Engine::Alive(note, process) => {
                self.watch_other(game, &process);
                self.alive(home, note, &process)?
            }
            Engine::Unreaped(note) => Sight::Pending {
                epoch: note.epoch,
                why: "it has ended; how is being noted".to_owned(),
            },
            Engine::Ended(note) => Sight::Exited(note.exit()),
        })
    }

    fn alive(&self, home: &Home, note: Note, process: &ProcessId) -> io::Result<Sight> {
        let address = match note.kill_at {
            Some(_) => Err("it was told to end".to_owned()),
            None => self.endpoint(home, process)?,
        };
        Ok(match address {
            Ok(endpoint) => Sight::Running(Instance {
                container_id: process.name(),
                endpoint,
                epoch: note.epoch,
                digest: note.digest,
                version: note.version,
            }),
            Err(why) => Sight::Pending {
                epoch: note.epoch,
                why,
            },
        })
    }

    /// Where the engine listens. Errors: what keeps us from saying so. That the port is its own is checked once.
    fn endpoint(&self, home: &Home, process: &ProcessId) -> io::Result<Result<Endpoint, String>> {
        let port = match self.known.port(process) {
            Some(port) => port,
            None => match home.port()? {
                None => return Ok(Err("it has not yet said where it listens".to_owned())),
                Some(Err(why)) => return Ok(Err(why)),
                Some(Ok(port)) => {
                    if let Some(why) = disbelieved(process, port)? {
                        return Ok(Err(why));
                    }
                    self.known.set_port(process, port);
                    port
                }
            },
        };
        Ok(Endpoint::new("127.0.0.1", port).map_err(|error| error.to_string()))
    }
}

/// Why an engine is not believed that it listens at `port`.
fn disbelieved(process: &ProcessId, port: u16) -> io::Result<Option<String>> {
    Ok(match socket::of_port(process.pid(), port)? {
        Listener::TheGroup | Listener::CannotTell => None,
        Listener::Nobody => Some(format!("it does not listen at 127.0.0.1:{port}")),
        Listener::Another => Some(format!(
            "127.0.0.1:{port}, where it says that it listens, is another process's"
        )),
    })
}

/// Keeps the log of a running engine short, unless somebody works on the game just now.
fn trim_log(home: &Home, note: &Note) {
    if !log::is_over(&home.log(), note.log_limit) {
        return;
    }
    let trimmed = match Lock::take(&home.lock_file(), Duration::ZERO) {
        Ok(_lock) => log::trim(&home.log(), note.log_limit),
        Err(_) => Ok(()),
    };
    if let Err(error) = trimmed {
        tracing::warn!(path = %home.log().display(), %error, "an engine's log cannot be cut");
    }
}

fn text(error: &io::Error) -> String {
    galaxy_core::text::printable(error.to_string().as_bytes(), 1_000)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use galaxy_core::Clock;
    use galaxy_service::Tasks;

    use super::*;
    use crate::ProcessConfig;

    #[tokio::test]
    async fn pages_follow_each_other_and_have_every_game_once() {
        let directory = tempfile::tempdir().unwrap();
        let config = ProcessConfig {
            deployment: "test".to_owned(),
            directory: directory.path().to_owned(),
            binary: "/nowhere".into(),
            stop_timeout: Duration::ZERO,
        };
        let place = Arc::new(Place::open(config, &Tasks::new(), Clock::system()).unwrap());
        let mut games: Vec<GameId> = (0..5).map(|_| GameId::generate()).collect();
        for game in &games {
            fs::create_dir_all(place.root.home(*game).state_dir()).unwrap();
        }
        let mut listing = place.list(None).unwrap();
        let (mut seen, mut begin) = (vec![], None);
        loop {
            listing.engines.clear();
            place.read_page(begin, 2, &mut listing).unwrap();
            assert!(listing.engines.len() <= 2);
            seen.extend(listing.engines.iter().map(|(game, _)| *game));
            match &listing.next {
                Some(next) => begin = Some(next.parse().unwrap()),
                None => break,
            }
        }
        games.sort_unstable();
        assert_eq!(seen, games);
        assert!(place.list(Some("no page")).is_err());
    }
}

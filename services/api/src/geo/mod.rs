//! From which countries accounts are used. Comfort only: without the database file, or when anything goes wrong here, no
//! request notices.
//!
//! The country database (MaxMind's format) is read into memory and read anew when its file changes. Successful user
//! requests are noted in memory ([`counters`]) and written every second; a crash loses a second.

pub mod counters;
mod database;
pub mod store;

use std::{net::IpAddr, path::Path, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use galaxy_core::{Clock, UserId};
use galaxy_http::ClientAddress;
use galaxy_store::Db;

use self::{counters::Counters, database::Database};
use crate::http::USER_ID;

/// The state of the domain. Cheap to clone.
#[derive(Clone)]
pub struct Geo {
    db: Db,
    clock: Clock,
    database: Arc<Database>,
    /// What is not written yet.
    counters: Arc<Counters>,
}

impl Geo {
    /// Reads the country database at `path`, if there is one.
    pub fn new(db: &Db, clock: &Clock, path: Option<&Path>) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            database: Arc::new(Database::open(path)),
            counters: Arc::default(),
        }
    }

    /// The ISO 3166-1 code of the country that `address` is in, as far as the database knows.
    pub fn country(&self, address: IpAddr) -> Option<String> {
        self.database.country(address)
    }

    /// Reads the database anew if its file has changed; says whether it did.
    pub fn reload(&self) -> bool {
        self.database.reload()
    }

    /// Whether there is a database.
    pub fn is_on(&self) -> bool {
        self.database.is_loaded()
    }
}

/// Middleware of user routes: notes the country of each successful request, after it was answered.
pub async fn note(State(geo): State<Geo>, request: Request, next: Next) -> Response {
    let caller = geo.is_on().then(|| {
        let id = request.headers().get(USER_ID)?.to_str().ok()?;
        let from = request.extensions().get::<ClientAddress>()?.0;
        Some((id.parse::<UserId>().ok()?, from))
    });
    let answer = next.run(request).await;
    if let Some((user_id, from)) = caller.flatten().filter(|_| answer.status().is_success()) {
        geo.counters.note(user_id, from, geo.clock.now());
    }
    answer
}

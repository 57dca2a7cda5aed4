//! Counts from which countries accounts are used. A missing database or a failure here never affects a request.
//!
//! The country database (MaxMind's format) is read into memory, and again when its file changes. Successful user requests
//! are counted in memory ([`counters`]) and written every second; a crash loses a second.

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
    /// Requests that are not written yet.
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

    /// The ISO 3166-1 code of the country of `address`, if the database has it.
    pub fn country(&self, address: IpAddr) -> Option<String> {
        self.database.country(address)
    }

    /// Reads the database again if its file has changed; returns whether it did.
    pub fn reload(&self) -> bool {
        self.database.reload()
    }

    pub fn has_database(&self) -> bool {
        self.database.is_loaded()
    }
}

/// Middleware of user routes: counts each successful request after its response is made.
pub async fn count_request(State(geo): State<Geo>, request: Request, next: Next) -> Response {
    let caller = geo.has_database().then(|| {
        let id = request.headers().get(USER_ID)?.to_str().ok()?;
        let from = request.extensions().get::<ClientAddress>()?.0;
        Some((id.parse::<UserId>().ok()?, from))
    });
    let answer = next.run(request).await;
    if let Some((user_id, from)) = caller.flatten().filter(|_| answer.status().is_success()) {
        geo.counters.add(user_id, from, geo.clock.now());
    }
    answer
}

//! Codes asked for and confirmed, against bare commits of one row.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use galaxy_api::{App, auth::model};
use galaxy_core::ChallengeId;
use serde_json::json;
use uuid::Uuid;

use super::{Call, Options, compare::Comparison, post, server::Server};
use crate::figures::median;

const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// Prints how many sign-ins a second there are for each bare commit.
pub async fn run(options: &Options, app: &App, server: &Server) -> Result<()> {
    let options = Options {
        requests: (options.requests / 10).max(10),
        postgres_url: String::new(),
        nats_url: String::new(),
        ..*options
    };
    sqlx::query(
        "create table if not exists backend.bench_commits (id uuid primary key, body text)",
    )
    .execute(app.db.pool())
    .await?;
    let (mut asked, mut confirmed) = (vec![], vec![]);
    for round in 0..=options.rounds {
        let bare = commits(app, &options).await?.as_secs_f64();
        let ask = server
            .load(options.requests, options.clients, ask)
            .await?
            .as_secs_f64();
        let challenges = challenges(app, options.requests).await?;
        let confirm = server.load(options.requests, options.clients, |n| {
            confirm(challenges[n])
        });
        let confirm = confirm.await?.as_secs_f64();
        if round > 0 {
            asked.push((ask, bare));
            confirmed.push((confirm, bare));
        }
    }
    for (name, pairs) in [
        ("code asked for / bare commit", asked),
        ("code confirmed, new account / bare commit", confirmed),
    ] {
        let ratio = median(pairs.iter().map(|(ours, bare)| bare / ours));
        Comparison::new(name, ">= 0.6", &options).print(ratio, &pairs)?;
    }
    sqlx::query("drop table backend.bench_commits")
        .execute(app.db.pool())
        .await?;
    Ok(())
}

/// How long single-row commits take.
async fn commits(app: &App, options: &Options) -> Result<Duration> {
    let started = Instant::now();
    stream::iter(0..options.requests)
        .map(|_| {
            sqlx::query("insert into backend.bench_commits (id, body) values ($1, 'bench')")
                .bind(Uuid::now_v7())
                .execute(app.db.pool())
        })
        .buffer_unordered(options.clients)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(started.elapsed())
}

/// An address of its own in 2001:db8::/32, a /64 each.
fn address(id: Uuid) -> String {
    let part = |n: usize| u16::from_be_bytes([id.as_bytes()[n], id.as_bytes()[n + 1]]);
    format!("2001:db8:{:x}:{:x}::1", part(12), part(14))
}

fn ask(_: usize) -> Call {
    let id = Uuid::now_v7();
    let body = json!({ "email": format!("{id}@example.org") });
    post("/api/v1/public/auth/send-email-code", &body, &address(id))
}

fn confirm(challenge: ChallengeId) -> Call {
    let body = json!({
        "challenge_id": challenge, "code": "123456", "client_public_key": KEY, "time_zone": "Europe/Vienna",
    });
    post(
        "/api/v1/public/auth/confirm-email-code",
        &body,
        &address(challenge.uuid()),
    )
}

/// Open challenges whose code is 123456, each for an address that nobody has.
async fn challenges(app: &App, count: usize) -> Result<Vec<ChallengeId>> {
    let ids: Vec<ChallengeId> = std::iter::repeat_with(ChallengeId::generate)
        .take(count)
        .collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let hashes: Vec<Vec<u8>> = ids
        .iter()
        .map(|id| model::code_hash(&app.keys, *id, "123456").to_vec())
        .collect();
    sqlx::query(
        "insert into backend.auth_challenges (challenge_id, email, delivery_email, code_hash, expires_at)
         select id, id || '@example.org', id || '@example.org', hash, now() + interval '10 minutes'
         from unnest($1::uuid[], $2::bytea[]) c (id, hash)",
    )
    .bind(&uuids)
    .bind(&hashes)
    .execute(app.db.pool())
    .await?;
    Ok(ids)
}

//! Codes asked for and confirmed, against bare commits of one row.

use anyhow::Result;
use galaxy_api::auth::model;
use galaxy_core::ChallengeId;
use serde_json::json;
use uuid::Uuid;

use super::compared;
use crate::{
    compare::{self, Measure},
    load::Load,
    replica::Replica,
    server::{Call, Server, post},
};

const KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// Prints how many sign-ins a second there are for each bare commit: of one row, by a handler that does nothing else, over
/// a plain pool with as many connections.
pub async fn run(load: &Load, replica: &Replica, server: &Server, bare: &Server) -> Result<()> {
    sqlx::query(compared::COMMITS)
        .execute(replica.db.pool())
        .await?;
    let (mut asked, mut registered, mut returned) = (vec![], vec![], vec![]);
    for round in 0..=load.rounds {
        let commit = compare::one(load, bare, &|_| post("/bench/commit", &json!({}), "")).await?;
        let ask = compare::one(load, server, &ask).await?;
        let people: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7)
            .take(load.requests)
            .collect();
        let first = challenges(replica, &people).await?;
        let register = compare::one(load, server, &|n| confirm(first[n])).await?;
        let second = challenges(replica, &people).await?;
        let come_back = compare::one(load, server, &|n| confirm(second[n])).await?;
        if round > 0 {
            asked.push((ask, commit));
            registered.push((register, commit));
            returned.push((come_back, commit));
        }
    }
    for (name, rounds) in [
        ("code asked for / bare commit", asked),
        ("code confirmed / bare commit", returned),
        (
            "code confirmed, with a new account / bare commit",
            registered,
        ),
    ] {
        Measure::Rate.print(name, ">= 0.6", load, &rounds)?;
    }
    sqlx::query("drop table backend.bench_commits")
        .execute(replica.db.pool())
        .await?;
    Ok(())
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

/// Open challenges whose code is 123456, for an address of each of `people`.
async fn challenges(replica: &Replica, people: &[Uuid]) -> Result<Vec<ChallengeId>> {
    let ids: Vec<ChallengeId> = people.iter().map(|_| ChallengeId::generate()).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let hashes: Vec<Vec<u8>> = ids
        .iter()
        .map(|id| model::code_hash(&replica.keys, *id, "123456").to_vec())
        .collect();
    sqlx::query(
        "insert into backend.auth_challenges (challenge_id, email, delivery_email, code_hash, expires_at)
         select id, person || '@example.org', person || '@example.org', hash, now() + interval '10 minutes'
         from unnest($1::uuid[], $2::uuid[], $3::bytea[]) c (id, person, hash)",
    )
    .bind(&uuids)
    .bind(people)
    .bind(&hashes)
    .execute(replica.db.pool())
    .await?;
    Ok(ids)
}

//! From where accounts are used, with a country database that the test writes.

use std::{fs, net::IpAddr, path::PathBuf};

use galaxy_api::geo::counters;
use galaxy_core::UserId;
use mmdb_writer::Writer;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::support::{Api, CONFIRM, Call, SEND, confirmation};

/// A country database in a file of its own.
struct Countries(PathBuf);

impl Countries {
    fn new(networks: &[(&str, &str)]) -> Self {
        let name = format!("galaxy-{}.mmdb", uuid::Uuid::now_v7());
        let file = Self(std::env::temp_dir().join(name));
        file.write(networks);
        file
    }

    fn write(&self, networks: &[(&str, &str)]) {
        let mut writer = Writer::new("Test-Country");
        for (network, country) in networks {
            // `~` in front of a country asks for a flat record, as freely usable databases have them.
            let record = match country.strip_prefix('~') {
                Some(flat) => json!({ "country_code": flat }),
                None => json!({ "country": { "iso_code": country } }),
            };
            writer
                .insert(network.parse::<ipnet::IpNet>().unwrap(), &record)
                .unwrap();
        }
        let next = self.0.with_extension("next");
        fs::write(&next, writer.to_bytes().unwrap()).unwrap();
        fs::rename(next, &self.0).unwrap();
    }

    async fn api(&self, pool: PgPool) -> Api {
        let variables = [
            ("BACKEND_GEOIP_DB_PATH", self.0.to_str().unwrap()),
            ("BACKEND_TRUSTED_PROXIES", "10.0.0.0/8"),
        ];
        Api::with(pool, &variables, None).await
    }
}

impl Drop for Countries {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn look(api: &Api, user: UserId, from: &str, forwarded: Option<&str>) {
    let from: IpAddr = from.parse().unwrap();
    let mut call = Call::new("GET", "/api/v1/user/account")
        .user(user)
        .from(from);
    if let Some(forwarded) = forwarded {
        call = call.header("x-forwarded-for", forwarded);
    }
    api.send(call).await;
}

async fn countries(api: &Api, user: UserId) -> Vec<(String, i64)> {
    counters::flush(&api.domains.geo).await.unwrap();
    let path = format!("/geo/users/{user}/countries");
    let page = api.as_root("GET", &path, None).await.expect(200);
    let items = page["items"].as_array().unwrap();
    let pair = |item: &Value| {
        (
            item["country"].as_str().unwrap().to_owned(),
            item["count"].as_i64().unwrap(),
        )
    };
    items.iter().map(pair).collect()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_country_of_the_first_sign_in_is_stored(pool: PgPool) {
    let file = Countries::new(&[("198.51.100.0/24", "AT"), ("203.0.113.0/24", "DE")]);
    let api = file.api(pool).await;
    let sign_in = async |from: [u8; 4]| {
        let body = json!({ "email": "ada@example.org" });
        let answer = api
            .send(Call::new("POST", SEND).json(&body).from(from))
            .await
            .expect(200);
        let code = api.code_of("ada@example.org").await.unwrap();
        let body = confirmation(answer["challenge_id"].as_str().unwrap(), &code);
        api.send(Call::new("POST", CONFIRM).json(&body).from(from))
            .await
            .expect(200);
    };
    sign_in([198, 51, 100, 1]).await;
    api.advance(jiff::SignedDuration::from_mins(2));
    sign_in([203, 0, 113, 1]).await;
    let country: Option<String> =
        sqlx::query_scalar("select declared_country from backend.accounts")
            .fetch_one(api.world.db.pool())
            .await
            .unwrap();
    assert_eq!(country.as_deref(), Some("AT"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn successful_requests_count_by_their_true_source(pool: PgPool) {
    let file = Countries::new(&[
        ("198.51.100.0/24", "AT"),
        ("203.0.113.0/24", "DE"),
        ("2001:db8::/32", "FR"),
    ]);
    let api = file.api(pool).await;
    let user = api.world.account().await;
    for _ in 0..3 {
        look(&api, user, "198.51.100.1", None).await;
    }
    look(&api, user, "198.51.100.1", Some("203.0.113.1")).await; // a stranger's header
    look(&api, user, "10.0.0.1", Some("198.51.100.9, 203.0.113.1")).await; // a forged front
    look(&api, user, "2001:db8::1", None).await;
    look(&api, user, "192.0.2.1", None).await; // nowhere
    let refused = Call::new("GET", "/api/v1/user/sessions?limit=0")
        .user(user)
        .from([203, 0, 113, 1]);
    api.send(refused).await.refused(400, "invalid_request");
    let expected = [("AT", 4), ("DE", 1), ("FR", 1)].map(|(c, n)| (c.to_owned(), n));
    assert_eq!(countries(&api, user).await, expected);
    look(&api, user, "203.0.113.1", None).await;
    assert_eq!(
        countries(&api, user).await[1],
        ("DE".to_owned(), 2),
        "counts add up"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_replaced_database_is_read_and_a_broken_one_is_not(pool: PgPool) {
    let file = Countries::new(&[("198.51.100.0/24", "AT")]);
    let api = file.api(pool).await;
    let address = IpAddr::from([198, 51, 100, 1]);
    assert_eq!(api.domains.geo.country(address).as_deref(), Some("AT"));
    file.write(&[("198.51.100.0/24", "CH"), ("192.0.2.0/24", "IT")]);
    assert!(api.domains.geo.reload());
    assert_eq!(api.domains.geo.country(address).as_deref(), Some("CH"));
    assert!(!api.domains.geo.reload(), "it has not changed");
    fs::write(&file.0, "not a database").unwrap();
    assert!(!api.domains.geo.reload());
    assert_eq!(api.domains.geo.country(address).as_deref(), Some("CH"));
    fs::remove_file(&file.0).unwrap();
    assert!(!api.domains.geo.reload());
    assert_eq!(api.domains.geo.country(address).as_deref(), Some("CH"));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_request_of_an_account_that_is_deleted_before_the_flush_is_not_counted(pool: PgPool) {
    let file = Countries::new(&[("198.51.100.0/24", "AT")]);
    let api = file.api(pool).await;
    let user = api.world.account().await;
    look(&api, user, "198.51.100.1", None).await;
    api.as_user(user, "POST", "/account/delete", None)
        .await
        .expect(204);
    assert_eq!(countries(&api, user).await, []);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn without_a_database_nothing_is_counted_and_requests_succeed(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    look(&api, user, "198.51.100.1", None).await;
    assert_eq!(countries(&api, user).await, []);
    let unknown = format!("/geo/users/{}/countries", UserId::generate());
    api.as_root("GET", &unknown, None)
        .await
        .refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn flat_records_of_freely_usable_databases_are_read_too(pool: PgPool) {
    let file = Countries::new(&[("198.51.100.0/24", "~AT"), ("203.0.113.0/24", "DE")]);
    let api = file.api(pool).await;
    let user = api.world.account().await;
    look(&api, user, "198.51.100.9", None).await;
    look(&api, user, "203.0.113.9", None).await;
    let mut found = countries(&api, user).await;
    found.sort();
    assert_eq!(found, [("AT".to_owned(), 1), ("DE".to_owned(), 1)]);
}

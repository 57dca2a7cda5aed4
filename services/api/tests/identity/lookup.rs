//! Session lookups that miss the cache.

use futures_util::future::join_all;
use sqlx::PgPool;

use super::support::Api;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn lookups_at_the_same_time_each_get_their_own_session(pool: PgPool) {
    let api = Api::new(pool).await;
    let (ada, _) = api.sign_in("ada@example.org").await;
    let (bob, _) = api.sign_in("bob@example.org").await;
    let nobody = uuid::Uuid::now_v7().to_string();
    let ids: Vec<&str> = [ada.as_str(), bob.as_str(), nobody.as_str()].repeat(100);
    let answers = join_all(ids.iter().map(|id| api.session(id))).await;
    for (id, answer) in ids.iter().zip(answers) {
        if *id == nobody {
            answer.refused(404, "not_found");
        } else {
            assert_eq!(answer.expect(200)["device_session_id"], *id);
        }
    }
}

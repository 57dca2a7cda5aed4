use galaxy_core::{Cursor, DeliveryId, Limit};
use galaxy_mail::{
    DeliveryStatus, ResendError,
    finish::Outcome,
    list::{self, Filter},
    resend,
    view::{self, Withheld},
};
use galaxy_store::ListError;
use galaxy_testkit::World;
use sqlx::PgPool;

use crate::world::{claim_all, claim_one, finish, mail, refusal};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn pages_of_deliveries_have_no_gap_or_overlap_and_filters_restrict_them(pool: PgPool) {
    let world = World::new(pool);
    let user = world.account().await;
    for n in 0..7 {
        let mut mail = mail(&format!("{n}"));
        mail.to = format!("Player_{n}@example.org");
        mail.user_id = (n % 2 == 0).then_some(user);
        mail.enqueue(&world).await;
    }
    let limit = Limit::new(3).unwrap();
    let (mut seen, mut cursor) = (vec![], None);
    loop {
        let page = list::deliveries(&world.db, &Filter::default(), cursor.as_deref(), limit)
            .await
            .unwrap();
        seen.extend(page.items.iter().map(|item| item.address.clone()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let newest_first: Vec<_> = (0..7)
        .rev()
        .map(|n| format!("Player_{n}@example.org"))
        .collect();
    assert_eq!(seen, newest_first);

    let count = async |filter: Filter| {
        list::deliveries(&world.db, &filter, None, Limit::DEFAULT)
            .await
            .unwrap()
            .items
            .len()
    };
    assert_eq!(
        count(Filter {
            user_id: Some(user),
            ..Filter::default()
        })
        .await,
        4
    );
    assert_eq!(
        count(Filter {
            address: Some("player_3".into()),
            ..Filter::default()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            address: Some("%".into()),
            ..Filter::default()
        })
        .await,
        0
    );
    assert_eq!(
        count(Filter {
            status: Some(DeliveryStatus::Queued),
            ..Filter::default()
        })
        .await,
        7
    );
    assert_eq!(
        count(Filter {
            template_id: Some("login_code".into()),
            ..Filter::default()
        })
        .await,
        0
    );

    let foreign = Cursor::encode("games", &1);
    let refused = list::deliveries(&world.db, &Filter::default(), Some(&foreign), limit).await;
    assert!(matches!(refused, Err(ListError::Cursor(_))));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_login_code_is_withheld_and_erased_when_its_delivery_is_finished(pool: PgPool) {
    let world = World::new(pool);
    for (key, outcome) in [("sent", Outcome::Sent), ("dead", Outcome::Dead(refusal()))] {
        let mut code = mail(key);
        code.secret = true;
        let id = code.enqueue(&world).await;
        let detail = view::delivery(&world.db, id).await.unwrap().unwrap();
        assert_eq!((detail.text, detail.html), (None, None));
        assert_eq!(detail.withheld, Some(Withheld::Secret));

        let claim = claim_one(&world).await;
        assert!(finish(&world, &claim, outcome).await);
        let erased = "select count(*) from backend.mail_payloads where erased_at is null";
        assert_eq!(world.count(erased).await, 0, "{key}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_operator_sees_text_attempts_and_dead_letters(pool: PgPool) {
    let world = World::new(pool);
    let id = mail("a").enqueue(&world).await;
    let claim = claim_one(&world).await;
    assert!(finish(&world, &claim, Outcome::Dead(refusal())).await);

    let detail = view::delivery(&world.db, id).await.unwrap().unwrap();
    assert_eq!(detail.text.as_deref(), Some("A text"));
    assert_eq!(detail.delivery.status, DeliveryStatus::Dead);
    let attempts = view::attempts(&world.db, id, None, Limit::DEFAULT)
        .await
        .unwrap();
    assert_eq!(attempts.items.len(), 1);
    assert_eq!(attempts.items[0].smtp_code, Some(550));
    let letters = list::dead_letters(&world.db, None, Limit::DEFAULT)
        .await
        .unwrap();
    assert_eq!(letters.items[0].delivery_id, id);
    let unknown = view::delivery(&world.db, DeliveryId::generate())
        .await
        .unwrap();
    assert_eq!(unknown, None);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_finished_mail_can_be_sent_again_as_a_new_delivery_linked_to_it(pool: PgPool) {
    let world = World::new(pool);
    let old = mail("a").enqueue(&world).await;
    let resend_it = async |id| {
        let mut tx = world.db.begin().await.unwrap();
        let new = resend(&mut tx, id).await;
        // Commits also after a refusal: a dropped transaction releases its locks a moment later, and claims skip locked mails.
        tx.commit().await.unwrap();
        new
    };
    assert!(matches!(resend_it(old).await, Err(ResendError::StillOpen)));
    let first = claim_one(&world).await;
    assert!(finish(&world, &first, Outcome::Dead(refusal())).await);

    let new = resend_it(old).await.unwrap();
    let detail = view::delivery(&world.db, new).await.unwrap().unwrap();
    assert_eq!(detail.delivery.resend_of, Some(old));
    let second = claim_one(&world).await;
    assert_eq!((second.delivery_id, &second.to), (new, &first.to));
    assert_eq!(second.content, first.content);
    assert_ne!(second.message_id, first.message_id);
    assert!(matches!(
        resend_it(DeliveryId::generate()).await,
        Err(ResendError::NotFound)
    ));
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_login_code_cannot_be_sent_again(pool: PgPool) {
    let world = World::new(pool);
    let mut code = mail("code");
    code.secret = true;
    let id = code.enqueue(&world).await;
    let claim = claim_one(&world).await;
    assert!(finish(&world, &claim, Outcome::Sent).await);
    let mut tx = world.db.begin().await.unwrap();
    assert!(matches!(
        resend(&mut tx, id).await,
        Err(ResendError::Erased)
    ));
    drop(tx);
    assert!(claim_all(&world).await.is_empty());
}

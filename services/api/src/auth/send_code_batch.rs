//! Requests for codes that arrive at the same time go through the database together: one transaction, two statements.

use galaxy_core::Clock;
use galaxy_mail::{NewMail, Priority, templates};
use galaxy_service::Tasks;
use galaxy_store::{Db, Result, Tx};

use super::store::{self, Admission, CodeRequest};
use crate::{
    batch::{BatchPermit, BatchResult, Batcher, whole_or_each},
    throttle::Rule,
};

/// Admits and writes requests for codes.
pub type CodeRequests = Batcher<CodeRequest, BatchResult<Admission>>;

/// A batcher of requests, of which `per_address` bounds those from one source address.
pub fn batcher(tasks: &Tasks, db: &Db, clock: &Clock, per_address: Rule) -> CodeRequests {
    let (db, clock) = (db.clone(), clock.clone());
    Batcher::new(tasks, move |batch: Vec<CodeRequest>, permit| {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            let write = |part| write(&db, &clock, &per_address, part, &permit);
            whole_or_each(&batch, write).await
        }
    })
}

async fn write(
    db: &Db,
    clock: &Clock,
    per_address: &Rule,
    batch: &[CodeRequest],
    permit: &BatchPermit,
) -> Result<Vec<Admission>> {
    let mut tx = db.begin().await?;
    let admissions = store::request_codes(&mut tx, batch, per_address, clock.now()).await?;
    enqueue_mails(&mut tx, batch, &admissions).await?;
    permit.release();
    tx.commit().await?;
    Ok(admissions)
}

/// Writes the mails of codes that are to be sent. Those of the others go the same way and are left out at its end: the
/// same work for every address.
async fn enqueue_mails(tx: &mut Tx, batch: &[CodeRequest], admissions: &[Admission]) -> Result<()> {
    let keys: Vec<String> = batch
        .iter()
        .map(|request| request.challenge_id.to_string())
        .collect();
    let mails: Vec<NewMail<'_>> = batch
        .iter()
        .zip(&keys)
        .zip(admissions)
        .map(|((request, key), admission)| NewMail {
            template_id: templates::LOGIN_CODE,
            idempotency_key: key,
            user_id: None,
            to: &request.email,
            content: &request.content,
            priority: Priority::Urgent,
            expires_at: Some(request.expires_at),
            secret: true,
            list_unsubscribe: None,
            traceparent: request.traceparent.as_deref(),
            suppressed: *admission != Admission::Send,
        })
        .collect();
    galaxy_mail::enqueue(tx, &mails).await?;
    Ok(())
}

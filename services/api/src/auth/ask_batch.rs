//! Codes that are asked for at the same time go through the database together: one transaction, two statements.

use galaxy_http::ApiError;
use galaxy_mail::{Content, NewMail, Priority, templates};
use galaxy_store::Tx;

use super::{
    model,
    store::{self, Admission, Asked},
};
use crate::{
    App,
    gather::{Turn, whole_or_each},
};

/// A code that somebody asks for, with its mail.
pub struct Ask {
    /// The challenge to be.
    pub asked: Asked,
    /// The mail, written whether it will be sent or not.
    pub content: Content,
    /// The request's trace.
    pub traceparent: Option<String>,
}

/// Admits and writes a batch.
pub async fn run(app: App, batch: Vec<Ask>, turn: Turn) -> Vec<Result<Admission, ApiError>> {
    whole_or_each(&batch, |part| write(&app, part, &turn)).await
}

async fn write(app: &App, batch: &[Ask], turn: &Turn) -> galaxy_store::Result<Vec<Admission>> {
    let per_address = model::codes_per_address(app.config.auth.codes_per_address_per_hour);
    let asked: Vec<&Asked> = batch.iter().map(|ask| &ask.asked).collect();
    let mut tx = app.db.begin().await?;
    let admissions = store::ask(&mut tx, &asked, &per_address, app.clock.now()).await?;
    put_mails(&mut tx, batch, &admissions).await?;
    turn.pass();
    tx.commit().await?;
    Ok(admissions)
}

/// Writes the mails of codes that are to be sent. Those of the others go the same way and are left out at its end: the
/// same work for every address.
async fn put_mails(
    tx: &mut Tx,
    batch: &[Ask],
    admissions: &[Admission],
) -> galaxy_store::Result<()> {
    let keys: Vec<String> = batch
        .iter()
        .map(|ask| ask.asked.challenge_id.to_string())
        .collect();
    let mails: Vec<NewMail<'_>> = batch
        .iter()
        .zip(&keys)
        .zip(admissions)
        .map(|((ask, key), admission)| NewMail {
            template_id: templates::LOGIN_CODE,
            idempotency_key: key,
            user_id: None,
            to: &ask.asked.email,
            content: &ask.content,
            priority: Priority::Urgent,
            expires_at: Some(ask.asked.expires_at),
            secret: true,
            list_unsubscribe: None,
            traceparent: ask.traceparent.as_deref(),
            suppressed: *admission != Admission::Send,
        })
        .collect();
    galaxy_mail::enqueue(tx, &mails).await?;
    Ok(())
}

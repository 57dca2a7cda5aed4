//! Faults of the SMTP server, programmed by tests: refusals, delays and closed connections.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Where in a session a fault applies: instead of the reply to …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// … the connection (the greeting).
    Connect,
    /// … `EHLO` or `HELO`.
    Hello,
    /// … `AUTH`.
    Auth,
    /// … `MAIL FROM`.
    Mail,
    /// … `RCPT TO`.
    Recipient,
    /// … `DATA`.
    Data,
    /// … nothing: while the content is being sent.
    Content,
    /// … the dot that ends the content.
    End,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This reply: a status (421, 450, 550, …) and a text of one line.
    Reply(u16, String),
    /// Closes the connection without a reply; nothing is kept.
    Drop,
    /// At [`Stage::End`]: keeps the mail and closes the connection, so that the client cannot know.
    KeepAndDrop,
    /// The regular reply, later.
    Delay(Duration),
}

/// One programmed fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub stage: Stage,
    pub action: Action,
    /// Only for this recipient (lower case), at [`Stage::Recipient`].
    pub recipient: Option<String>,
    /// How often; `None`: until removed.
    pub times: Option<u32>,
}

impl Fault {
    /// A refusal at `stage` until removed.
    pub fn reply(stage: Stage, status: u16, text: &str) -> Self {
        Self::new(stage, Action::Reply(status, text.to_owned()))
    }

    /// A fault that applies until removed.
    pub fn new(stage: Stage, action: Action) -> Self {
        Self {
            stage,
            action,
            recipient: None,
            times: None,
        }
    }

    /// The same, `times` times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same, for one recipient.
    #[must_use]
    pub fn only_for(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_lowercase());
        self
    }

    fn applies(&self, stage: Stage, recipient: Option<&str>) -> bool {
        self.stage == stage && (self.recipient.is_none() || self.recipient.as_deref() == recipient)
    }
}

/// The programmed faults, in order; the first that applies is used.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    /// Appends a fault.
    pub fn add(&self, fault: Fault) {
        self.lock().push_back(fault);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many are still programmed.
    pub fn left(&self) -> usize {
        self.lock().len()
    }

    /// The action of the fault that applies now, if any; counts it.
    pub(super) fn take(&self, stage: Stage, recipient: Option<&str>) -> Option<Action> {
        let mut faults = self.lock();
        let index = faults
            .iter()
            .position(|fault| fault.applies(stage, recipient))?;
        let fault = &mut faults[index];
        let action = fault.action.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(index);
            }
        }
        Some(action)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_applies_as_often_and_where_it_is_programmed() {
        let faults = Faults::default();
        faults.add(
            Fault::reply(Stage::Recipient, 550, "no")
                .only_for("A@x.org")
                .times(2),
        );
        assert_eq!(faults.take(Stage::Mail, None), None);
        assert_eq!(faults.take(Stage::Recipient, Some("b@x.org")), None);
        for left in [1, 0] {
            assert!(faults.take(Stage::Recipient, Some("a@x.org")).is_some());
            assert_eq!(faults.left(), left);
        }
        assert_eq!(faults.take(Stage::Recipient, Some("a@x.org")), None);
    }
}

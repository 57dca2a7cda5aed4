//! Operations that a game waits for.

use galaxy_core::{Op, OperationStatus};
use serde_json::{Value, json};

use super::{Facts, Why};
use crate::model::{Node, Operation, Record};

/// The operation that a process works on.
pub(super) fn running(facts: &Facts<'_>) -> Option<Why> {
    let is_running = |operation: &&Operation| operation.status == OperationStatus::Running;
    let operation = facts.operations.iter().find(is_running)?;
    let owner = operation.lease_owner.as_deref().unwrap_or("a process");
    let until = operation.lease_expires_at;
    let lost = until.is_some_and(|until| until < facts.now);
    let sentence = match until {
        Some(until) if lost => format!(
            "{owner} works on the {} but has not been heard of; another process takes it up, since its lease ran out at {until}.",
            operation.op
        ),
        Some(until) => format!(
            "{owner} works on the {}; it holds it until {until} and renews that while it works.",
            operation.op
        ),
        None => format!("{owner} works on the {}.", operation.op),
    };
    Some(Why::new("operation_running", sentence, details(operation)))
}

/// An operation that waits: for something, for a node, or for a worker.
pub(super) fn waiting(facts: &Facts<'_>, record: &Record, operation: &Operation) -> Why {
    let op = operation.op;
    if let Some(reason) = no_node(facts, record, operation) {
        let sentence = format!("The {op} waits for a node: {reason}.");
        let mut details = details(operation);
        details["node_id"] = json!(record.node_id);
        return Why::new("operation_waits_for_node", sentence, details);
    }
    if let Some(what) = &operation.waiting_for {
        let sentence = format!("The {op} has begun and waits for {what}.");
        return Why::new("operation_parked", sentence, details(operation));
    }
    let sentence = if operation.run_after > facts.now {
        format!("The {op} is queued and runs at {}.", operation.run_after)
    } else {
        format!(
            "The {op} is queued since {} and waits for a worker.",
            operation.run_after
        )
    };
    Why::new("operation_queued", sentence, details(operation))
}

/// Why no node can do the operation; `None` if one can.
fn no_node(facts: &Facts<'_>, record: &Record, operation: &Operation) -> Option<String> {
    if let Some(id) = &record.node_id {
        let node = facts.nodes.iter().find(|node| node.node_id == *id)?;
        let lost = node.lost_at?;
        return Some(format!("nobody has heard of {} since {lost}", node.name));
    }
    if operation.op != Op::Start {
        return None;
    }
    let alive: Vec<&Node> = facts
        .nodes
        .iter()
        .filter(|node| node.lost_at.is_none())
        .collect();
    if alive.is_empty() {
        return Some("no runtime manager has said that it is alive".to_owned());
    }
    if alive.iter().all(|node| node.draining) {
        return Some("all of them are draining".to_owned());
    }
    let has_room =
        |node: &Node| !node.draining && (node.capacity == 0 || node.engines < node.capacity);
    let full = !alive.into_iter().any(has_room);
    full.then(|| "all of them are full".to_owned())
}

fn details(operation: &Operation) -> Value {
    json!({
        "operation_id": operation.operation_id,
        "op": operation.op.as_str(),
        "status": operation.status.as_str(),
        "requested_by": operation.requested_by,
        "since": operation.started_at.unwrap_or(operation.created_at),
        "run_after": operation.run_after,
        "attempt": operation.attempt,
        "max_attempts": operation.max_attempts,
        "waiting_for": operation.waiting_for,
        "owner": operation.lease_owner,
        "lease_expires_at": operation.lease_expires_at,
        "last_error": operation.error,
    })
}

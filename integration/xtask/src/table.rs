//! The table of addresses and credentials that `up` prints.

use galaxy_stack::{Layout, StackFile};

/// Addresses and credentials, aligned.
pub fn of(stack: &StackFile, layout: &Layout) -> String {
    let logs = layout.logs().join("*.log").display().to_string();
    let file = layout.stack_file().display().to_string();
    let mut rows = vec![
        ("inbox (caught mail)", stack.inbox.clone()),
        ("gateway, gRPC", stack.gateway_grpc.clone()),
        ("gateway, HTTP", stack.gateway_http.clone()),
        ("gateway's public key", stack.gateway_public_key.clone()),
        ("api", stack.api.clone()),
        ("push-hub", stack.push_hub.clone()),
        ("gateway token", stack.gateway_token.clone()),
        (
            "administrator",
            format!("{} / {}", stack.admin.user, stack.admin.password),
        ),
        ("Postgres", stack.postgres_url.clone()),
        ("NATS", stack.nats_url.clone()),
        (
            "engine",
            format!(
                "version {}, driver {}",
                stack.engine.version, stack.engine.driver
            ),
        ),
    ];
    let operations = stack.ops.iter().map(|(name, url)| format!("{name} {url}"));
    for (index, row) in operations.enumerate() {
        rows.push((if index == 0 { "operations" } else { "" }, row));
    }
    rows.extend([("logs", logs), ("for scripts", file)]);
    let lines = rows
        .iter()
        .map(|(name, value)| format!("  {name:<22}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

//! The two runtimes of a measure: what is served runs on threads of its own, so that its processor time can be told from
//! the client's.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Handle, Runtime};

const SERVED: &str = "served";

/// The runtime of what is measured.
pub fn served() -> Result<Runtime> {
    runtime(SERVED)
}

/// The runtime of those who call it.
pub fn client() -> Result<Runtime> {
    runtime("client")
}

fn runtime(name: &str) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    Ok(builder.thread_name(name).enable_all().build()?)
}

/// Runs `work` on `served`.
pub async fn on<T: Send + 'static>(
    served: &Handle,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    served.spawn(work).await?
}

/// The processor time that the served threads have used until now. Zero where the system does not tell (not Linux).
pub fn processor_time() -> Result<Duration> {
    let mut total = Duration::ZERO;
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Ok(total);
    };
    for task in tasks {
        let task = task?.path();
        // A thread may end while we look.
        let read = |name| std::fs::read_to_string(task.join(name)).unwrap_or_default();
        if read("comm").trim() == SERVED {
            let statistics = read("schedstat");
            let nanoseconds = statistics.split_whitespace().next().unwrap_or("0");
            total += Duration::from_nanos(
                nanoseconds
                    .parse()
                    .context("schedstat is not what it was")?,
            );
        }
    }
    Ok(total)
}

//! How many connections the pool has, and how long callers wait for one. Names are those of OpenTelemetry's conventions for
//! database clients.

use std::sync::LazyLock;

use galaxy_service::telemetry::{ClosedCounter, meter};
use opentelemetry::{KeyValue, metrics::Histogram};
use sqlx::postgres::PgPool;
use tokio::time::Instant;

static WAIT: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("db.client.connection.wait_time")
        .with_unit("s")
        .with_description("How long a caller waited until it had a connection of the pool")
        .with_boundaries(vec![
            0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0,
        ])
        .build()
});

static TIMEOUTS: LazyLock<ClosedCounter<0>> = LazyLock::new(|| {
    ClosedCounter::new(
        "db.client.connection.timeouts",
        "Callers that got no connection of the pool in time",
        [],
    )
});

/// Shows the pool's size and use from now on. Once a process.
pub(crate) fn observe(pool: &PgPool) {
    LazyLock::force(&TIMEOUTS);
    let counted = pool.clone();
    meter()
        .u64_observable_gauge("db.client.connection.count")
        .with_description("Connections of the pool, by state")
        .with_callback(move |observer| {
            let idle = counted.num_idle() as u64;
            let used = u64::from(counted.size()).saturating_sub(idle);
            for (state, count) in [("idle", idle), ("used", used)] {
                let labels = [KeyValue::new("db.client.connection.state", state)];
                observer.observe(count, &labels);
            }
        })
        .build();
    meter()
        .u64_gauge("db.client.connection.max")
        .with_description("Connections that the pool may have")
        .build()
        .record(pool.options().get_max_connections().into(), &[]);
}

/// A caller that waited since `began` has a connection, or none. (Not a wrapper around the future, which would make those of all
/// callers larger.)
pub(crate) fn waited<T>(began: Instant, acquired: &sqlx::Result<T>) {
    match acquired {
        Ok(_) => WAIT.record(began.elapsed().as_secs_f64(), &[]),
        Err(sqlx::Error::PoolTimedOut) => TIMEOUTS.add([], 1),
        Err(_) => {}
    }
}

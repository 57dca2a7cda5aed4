-- Why: operators list the failed operations of all games. Few fail, and the log of all of them is long.

create index runtime_operation_log_failed_idx on backend.runtime_operation_log (created_at, operation_id)
    where status = 'failed';

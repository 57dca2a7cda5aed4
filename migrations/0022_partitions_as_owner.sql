-- Why: the processes need no right to make or drop tables but for the outbox's daily partitions. The two functions that do
-- it run with the rights of their owner, so that the processes can work with a role that only reads and writes rows.
-- `api migrate` lets that role call them; nobody else may.

alter function backend.event_outbox_ensure_partitions(date, integer) security definer;
alter function backend.event_outbox_drop_partitions(date) security definer;
revoke execute on function backend.event_outbox_ensure_partitions(date, integer) from public;
revoke execute on function backend.event_outbox_drop_partitions(date) from public;

-- Why: during a rolling update processes of two versions work on one schema. A process used to refuse every schema but its
-- own, so that a migration took the running processes of the version before out of service. From now on a process works on
-- a newer schema as long as it knows the migration that is written here; a migration that takes away what older processes
-- use raises the number.

create table backend.schema_compatibility (
    only_row       boolean     primary key default true check (only_row),
    min_compatible bigint      not null check (min_compatible >= 1),
    created_at     timestamptz not null default now()
);

comment on table backend.schema_compatibility is 'Which versions of the processes can work on this schema; written by migrations';
comment on column backend.schema_compatibility.min_compatible is
    'The newest migration that the oldest process must know which can work on this schema';

-- Processes before this migration refuse every schema that is newer than theirs, whatever is written here.
insert into backend.schema_compatibility (min_compatible) values (21);

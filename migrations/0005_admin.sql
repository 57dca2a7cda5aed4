-- Why: operators' own accounts, and the record of everything they change.

create table backend.admin_accounts (
    username            text        collate "C" primary key check (username ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    password_hash       text        not null check (char_length(password_hash) between 1 and 500),
    created_at          timestamptz not null default now(),
    last_used_at        timestamptz,
    disabled_at         timestamptz,
    password_changed_at timestamptz not null default now()
);

comment on table backend.admin_accounts is 'Never deleted: the audit log names them. At least one stays enabled';
comment on column backend.admin_accounts.password_hash is 'An argon2id hash in PHC string form';

create table backend.admin_audit_log (
    audit_id    uuid        primary key,
    username    text        collate "C" not null references backend.admin_accounts (username),
    action      text        not null check (char_length(action) between 1 and 100),
    target_kind text        not null check (char_length(target_kind) between 1 and 100),
    target_id   text        check (char_length(target_id) between 1 and 200),
    request_id  text        check (char_length(request_id) <= 200),
    details     jsonb       not null default '{}' check (jsonb_typeof(details) = 'object'),
    created_at  timestamptz not null default now()
);

comment on table backend.admin_audit_log is
    'Written in the transaction of the change it tells of, never changed; details hold no secret and no personal data';

create index admin_audit_log_created_at_idx on backend.admin_audit_log (created_at, audit_id);
create index admin_audit_log_username_idx on backend.admin_audit_log (username, created_at, audit_id);
create index admin_audit_log_target_idx on backend.admin_audit_log (target_kind, target_id, created_at, audit_id);

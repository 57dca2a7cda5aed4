-- Why: only the sweep goes by this index, and only through revoked sessions; without the active ones a sign-in writes one
-- index entry less.
drop index backend.device_sessions_status_idx;
create index device_sessions_revoked_at_idx on backend.device_sessions (revoked_at) where status = 'revoked';

-- Why: a user has few sessions, so the index by user finds the active ones among them; one index less makes every sign-in
-- and every revocation cheaper.
drop index backend.device_sessions_active_idx;

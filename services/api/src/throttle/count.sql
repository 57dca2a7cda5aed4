-- Counts hits, one for each time a subject is named, unless the subject has no hit left in its window.
--
-- $1: bucket. $2: subjects. $3: now. $4: the end of a window that begins now. $5: hits in a window. Counters are taken in
-- order, so that two statements cannot lock each other out. A window begins with its first hit; the same clause stands in
-- request_codes.sql, under the same numbers.
insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
select $1, s.subject, $3, count(*), $4 from unnest($2::bytea[]) s (subject) group by s.subject order by s.subject
on conflict (bucket, subject) do update set
    hits = case when t.expires_at <= $3 then 0 else t.hits end + excluded.hits,
    window_start = case when t.expires_at <= $3 then $3 else t.window_start end,
    expires_at = case when t.expires_at <= $3 then $4 else t.expires_at end
where t.expires_at <= $3 or t.hits < $5
returning subject

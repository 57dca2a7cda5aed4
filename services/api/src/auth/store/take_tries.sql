-- Takes one try of each challenge that is neither expired, consumed nor exhausted, and finds the accounts of their addresses.
--
-- $1: challenges. $2: now. $3: tries a challenge has. $4, $5: the counter of wrong codes, and how many are too many. The
-- rows found stay locked: other tries wait, and the accounts' sessions and standing can be counted in the next statement.
with due as (
    select challenge_id, email from backend.auth_challenges
    where challenge_id = any($1) order by challenge_id for update),
known as (
    select user_id, email from backend.accounts
    where email = any(array(select email from due)) order by user_id for no key update)
update backend.auth_challenges c set attempts = attempts + 1
from due left join known on known.email = due.email
where c.challenge_id = due.challenge_id and c.attempts < $3 and c.consumed_at is null and c.expires_at > $2
returning c.challenge_id, c.email, c.delivery_email, c.code_hash, c.locale, c.email_subject, known.user_id as "user_id?",
    exists (select from backend.throttle_counters t
            where t.bucket = $4 and t.subject = c.email_subject and t.expires_at > $2 and t.hits >= $5)
        as "is_guessed_at!"

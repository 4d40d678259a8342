-- The planners' locks on berth visits. One row a visit.
--   berth_visit_id
--   berth_id                              NULL: the berth is not locked
--   start_at                              NULL: the start is not locked
-- A locked metre and a locked order of two visits have no command yet.
SELECT berth_visit_id, nullif(berth_id, '') AS berth_id, start_at
FROM berth_lock_state
WHERE kind = 'LOCK' AND NOT is_retracted AND (berth_id <> '' OR start_at IS NOT NULL)
ORDER BY berth_visit_id

-- Watched between plans: the planners' locks on berth visits. A row that comes or goes makes a plan.
--   object_id                             visit with what is locked, so that a changed lock is another
--   value                                 none
SELECT
  berth_visit_id || ' at ' || berth_id || ' ' || coalesce(CAST(start_at AS VARCHAR), '') AS object_id,
  CAST(NULL AS BIGINT) AS value
FROM berth_lock_state
WHERE kind = 'LOCK' AND NOT is_retracted AND (berth_id <> '' OR start_at IS NOT NULL)
ORDER BY object_id

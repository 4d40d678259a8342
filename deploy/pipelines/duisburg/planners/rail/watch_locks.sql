-- Watched between plans: the planners' word on units. A row that comes or goes makes a plan.
--   object_id                             unit with its train, so that a changed pin is another
--   value                                 none
SELECT unit_id || ' on ' || train_slot_id AS object_id, CAST(NULL AS BIGINT) AS value
FROM rail_lock_state
WHERE kind = 'LOCK' AND NOT is_retracted
ORDER BY object_id

-- Watched between plans: trains that were cancelled. A row that comes or goes makes a plan.
--   object_id                             train slot
--   value                                 none
SELECT train_slot_id AS object_id, CAST(NULL AS BIGINT) AS value
FROM train_slot_state
WHERE status = 'CANCELLED' OR is_retracted
ORDER BY train_slot_id

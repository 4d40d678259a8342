-- The planners' word on units. One row a unit.
--   unit_id
--   train_slot_id                         pinned to this slot; NULL: it is not to go (a bump)
SELECT unit_id, nullif(train_slot_id, '') AS train_slot_id
FROM rail_lock_state
WHERE kind = 'LOCK' AND NOT is_retracted
ORDER BY unit_id

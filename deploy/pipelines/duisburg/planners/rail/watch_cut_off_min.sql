-- Watched between plans: the cut-offs of open trains. One row a train slot.
--   object_id                             train slot
--   value                                 general cut-off, minutes since 1970
SELECT train_slot_id AS object_id, CAST(cut_off_fco_at AS BIGINT) / 60000000 AS value
FROM train_slot_state
WHERE status = 'OPEN' AND NOT is_retracted
ORDER BY train_slot_id

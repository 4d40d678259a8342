-- Watched between plans: when the trains leave that have not left. One row a train slot.
--   object_id                             train slot
--   value                                 forecast departure if there is one, else planned, minutes since 1970
SELECT
  s.train_slot_id AS object_id,
  CAST(coalesce(d.departure_estimated_at, s.departure_planned_at) AS BIGINT) / 60000000 AS value
FROM train_slot_state AS s
LEFT JOIN (
  SELECT train_id, max(event_time) AS departure_estimated_at
  FROM train_state
  WHERE classifier = 'EST' AND location_status = 'DEPARTURE_ORIGIN' AND NOT is_retracted
  GROUP BY train_id) AS d
  ON d.train_id = s.train_slot_id
CROSS JOIN planner_tick AS t
WHERE s.status = 'OPEN' AND NOT s.is_retracted
  AND coalesce(d.departure_estimated_at, s.departure_planned_at) > t.tick_at
ORDER BY s.train_slot_id

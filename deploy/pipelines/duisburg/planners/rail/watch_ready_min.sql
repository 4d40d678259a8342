-- Watched between plans: when the booked units are expected that do not stand in the yard. One row a unit.
--   object_id                             unit
--   value                                 estimated readiness, minutes since 1970
SELECT
  k.unit_id AS object_id,
  CAST(max(coalesce(e.event_time, k.ready_estimated_at)) AS BIGINT) / 60000000 AS value
FROM booking_state AS k
LEFT JOIN (SELECT container_id, event_time FROM container_expected_state WHERE NOT is_retracted) AS e
  ON e.container_id = k.unit_id
WHERE k.status = 'BOOKED' AND NOT k.is_retracted AND coalesce(e.event_time, k.ready_estimated_at) IS NOT NULL
GROUP BY k.unit_id
ORDER BY k.unit_id

-- Watched between plans: the water level, on which draughts and the high-water stop hang. One row a gauge.
--   object_id                             gauge station
--   value                                 newest reading, cm
SELECT station AS object_id, CAST(level_cm AS BIGINT) AS value
FROM water_state
ORDER BY station

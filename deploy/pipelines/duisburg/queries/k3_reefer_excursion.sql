-- K3 reefer excursion, for terminal operations: a unit whose return air was more than 2 degrees off its set point for half
-- an hour or longer. A session: it ends when no such reading has come for a quarter of an hour.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, container_id,
  count(*) AS readings,
  min(row_time) AS began_at,
  max(row_time) AS last_seen_at,
  (CAST(max(row_time) AS BIGINT) - CAST(min(row_time) AS BIGINT)) / 60000000 AS lasted_min,
  max(off_dc) AS warmest_off_dc,
  min(off_dc) AS coldest_off_dc,
  count(*) FILTER (WHERE NOT is_powered) AS readings_without_power
FROM SESSION(
  (SELECT row_time, terminal_id, container_id, return_air_dc - set_point_dc AS off_dc, is_powered
   FROM reefer_telemetry
   WHERE abs(return_air_dc - set_point_dc) > 20 AND NOT is_retracted),
  DESCRIPTOR(row_time), DESCRIPTOR(terminal_id, container_id), INTERVAL '15' MINUTE)
GROUP BY window_start, window_end, terminal_id, container_id
HAVING CAST(max(row_time) AS BIGINT) - CAST(min(row_time) AS BIGINT) >= 1800000000

-- B3 ETA drift, for berth planners: by how much a source's estimates of an arrival at berth move, and how often they turn.
-- A series that drifts by an hour an hour is no forecast; one that flips at every report is noise.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, port_call_id, berth_visit_id, source,
  count(*) AS estimates,
  first_value(event_time ORDER BY record_time) AS arrival_first_estimated_at,
  last_value(event_time ORDER BY record_time) AS arrival_last_estimated_at,
  (CAST(last_value(event_time ORDER BY record_time) AS BIGINT) - CAST(first_value(event_time ORDER BY record_time) AS BIGINT))
    / 60000000 AS drift_min,
  (CAST(last_value(event_time ORDER BY record_time) AS BIGINT) - CAST(first_value(event_time ORDER BY record_time) AS BIGINT))
    * 3600 / nullif(CAST(max(record_time) AS BIGINT) - CAST(min(record_time) AS BIGINT), 0) AS drift_s_per_h,
  (CAST(max(event_time) AS BIGINT) - CAST(min(event_time) AS BIGINT)) / 60000000 AS spread_min,
  sign_flips(array_agg(event_time ORDER BY record_time)) AS sign_flips
FROM HOP(
  (SELECT row_time, terminal_id, port_call_id, berth_visit_id, source, event_time, record_time
   FROM port_call_timestamp
   WHERE service = 'BERTH' AND event_type = 'ARRI' AND classifier = 'EST' AND NOT is_retracted),
  DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '6' HOUR)
GROUP BY window_start, window_end, terminal_id, port_call_id, berth_visit_id, source

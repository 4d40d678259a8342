-- Y3 truck turn time, for terminal operations: from gate in to gate out, by gate of exit. The passage out carries the time
-- of entry, so that nothing has to be looked up.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, gate,
  count(*) AS trucks,
  CAST(round(percentile_cont(0.5) WITHIN GROUP (ORDER BY turn_s)) AS BIGINT) AS turn_p50_s,
  CAST(round(percentile_cont(0.9) WITHIN GROUP (ORDER BY turn_s)) AS BIGINT) AS turn_p90_s,
  max(turn_s) AS turn_max_s
FROM HOP(
  (SELECT
     row_time, terminal_id, gate,
     (CAST(event_time AS BIGINT) - CAST(entered_at AS BIGINT)) / 1000000 AS turn_s
   FROM gate_event
   WHERE classifier = 'ACT' AND direction = 'OUT' AND entered_at IS NOT NULL AND event_time >= entered_at
     AND NOT is_retracted),
  DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)
GROUP BY window_start, window_end, terminal_id, gate

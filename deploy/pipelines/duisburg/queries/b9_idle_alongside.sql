-- B9 idle alongside, for berth planners: how long a vessel lay at its berth after its last move. Told when it has left. The
-- moves are those of the same visit in the two days before: a join of two streams by time.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, berth_id, port_call_id, berth_visit_id,
  max(row_time) AS departed_at,
  count(ended_at) AS moves,
  min(started_at) AS first_move_started_at,
  max(ended_at) AS last_move_ended_at,
  (CAST(max(row_time) AS BIGINT) - CAST(max(ended_at) AS BIGINT)) / 60000000 AS idle_min
FROM TUMBLE(
  (SELECT
     d.row_time, d.terminal_id, d.facility_code AS berth_id, d.port_call_id, d.berth_visit_id, m.started_at, m.ended_at
   FROM port_call_timestamp AS d
   LEFT JOIN move_event AS m
     ON m.berth_visit_id = d.berth_visit_id
     AND m.row_time BETWEEN d.row_time - INTERVAL '48' HOUR AND d.row_time
     AND m.classifier = 'ACT' AND NOT m.is_retracted
   WHERE d.service = 'BERTH' AND d.event_type = 'DEPA' AND d.classifier = 'ACT' AND NOT d.is_retracted
     AND d.berth_visit_id <> ''),
  DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
GROUP BY window_start, window_end, terminal_id, berth_id, port_call_id, berth_visit_id

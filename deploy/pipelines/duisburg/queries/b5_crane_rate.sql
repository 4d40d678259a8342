-- B5 crane rate, for terminal operations: moves an hour of each crane at each berth visit, in hundredths (2550 is 25.5).
-- Gross: all moves over the time from the first start to the last end. Net: productive moves over the time spent moving.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, equipment_id, port_call_id, berth_visit_id,
  count(*) AS moves,
  count(*) FILTER (WHERE is_productive) AS productive_moves,
  sum(handling_us) / 1000000 AS handling_s,
  (max(ended_us) - min(started_us)) / 1000000 AS span_s,
  count(*) * 360000000000 / nullif(max(ended_us) - min(started_us), 0) AS gross_centimoves_h,
  count(*) FILTER (WHERE is_productive) * 360000000000 / nullif(sum(handling_us), 0) AS net_centimoves_h
FROM HOP(
  (SELECT
     row_time, terminal_id, equipment_id, port_call_id, berth_visit_id, is_productive,
     CAST(started_at AS BIGINT) AS started_us,
     CAST(ended_at AS BIGINT) AS ended_us,
     CAST(ended_at AS BIGINT) - CAST(started_at AS BIGINT) AS handling_us
   FROM move_event
   WHERE classifier = 'ACT' AND berth_visit_id <> '' AND ended_at > started_at AND NOT is_retracted),
  DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)
GROUP BY window_start, window_end, terminal_id, equipment_id, port_call_id, berth_visit_id

-- D2 lateness, for IT integration: how long after a fact its record was written, and how many records came too late for
-- their windows or could not be used.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, source,
  count(*) AS records,
  CAST(round(percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_us)) AS BIGINT) / 1000 AS delay_p50_ms,
  CAST(round(percentile_cont(0.99) WITHIN GROUP (ORDER BY delay_us)) AS BIGINT) / 1000 AS delay_p99_ms,
  count(*) FILTER (WHERE outcome = 'late') AS late,
  count(*) FILTER (WHERE outcome = 'rejected') AS rejected
FROM TUMBLE(
  (SELECT row_time, terminal_id, source, outcome, delay_us FROM intake WHERE outcome IN ('accepted', 'late', 'rejected')),
  DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
GROUP BY window_start, window_end, terminal_id, source

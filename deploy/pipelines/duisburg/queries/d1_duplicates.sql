-- D1 duplicates, for IT integration: how many records are exact copies of an event that was there before. They count once
-- in every other figure.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, source,
  count(*) AS records,
  count(*) FILTER (WHERE outcome = 'duplicate') AS duplicates,
  count(*) FILTER (WHERE outcome = 'duplicate') * 10000 / count(*) AS duplicate_bp,
  max(copies) AS copies_max
FROM TUMBLE(
  (SELECT row_time, terminal_id, source, outcome, copies FROM intake WHERE outcome <> 'flagged'),
  DESCRIPTOR(row_time), INTERVAL '5' MINUTE)
GROUP BY window_start, window_end, terminal_id, source

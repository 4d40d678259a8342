-- R3 train punctuality, for rail planners: actual against booked by corridor. Where a report carries neither delay nor
-- booked time, the slot's planned departure or arrival, as known when the train was there, takes their place.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, corridor,
  count(*) AS reports,
  count(delay_s) AS reports_with_booked_time,
  CAST(round(percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s)) AS BIGINT) AS delay_p50_s,
  CAST(round(percentile_cont(0.9) WITHIN GROUP (ORDER BY delay_s)) AS BIGINT) AS delay_p90_s,
  max(delay_s) AS delay_max_s
FROM (
  SELECT
    r.window_start, r.window_end, r.terminal_id,
    coalesce(nullif(r.corridor, ''), h.corridor, '') AS corridor,
    coalesce(
      r.delay_s,
      (CAST(r.event_time AS BIGINT) - CAST(coalesce(r.booked_at, CASE r.location_status
         WHEN 'DEPARTURE_ORIGIN' THEN h.departure_planned_at
         WHEN 'ARRIVAL_DESTINATION' THEN h.arrival_planned_at END) AS BIGINT)) / 1000000) AS delay_s
  FROM HOP(
    (SELECT row_time, terminal_id, train_id, corridor, location_status, event_time, booked_at, delay_s
     FROM train_running
     WHERE classifier = 'ACT' AND NOT is_retracted),
    DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE) AS r
  LEFT JOIN train_slot_state_history AS h
    ON h.train_slot_id = r.train_id AND h.valid_from <= r.row_time AND r.row_time < h.valid_to)
GROUP BY window_start, window_end, terminal_id, corridor

-- Y4 appointment adherence, for terminal operations: which lorries of a haulier came in their booked window. An appointment
-- is heard of when its lorry comes, so that those who never came cannot be counted.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, haulier,
  count(*) AS trucks,
  count(*) FILTER (WHERE is_booked) AS booked,
  count(*) FILTER (WHERE is_booked AND event_time < appointment_from_at) AS early,
  count(*) FILTER (WHERE is_booked AND event_time >= appointment_from_at AND event_time < appointment_to_at) AS on_time,
  count(*) FILTER (WHERE is_booked AND event_time >= appointment_to_at) AS late,
  count(*) FILTER (WHERE is_booked AND event_time >= appointment_from_at AND event_time < appointment_to_at) * 10000
    / nullif(count(*) FILTER (WHERE is_booked), 0) AS on_time_bp
FROM TUMBLE(
  (SELECT
     row_time, terminal_id, haulier, event_time, appointment_from_at, appointment_to_at,
     appointment_id <> '' AND appointment_from_at IS NOT NULL AND appointment_to_at IS NOT NULL AS is_booked
   FROM gate_event
   WHERE classifier = 'ACT' AND direction = 'IN' AND NOT is_retracted),
  DESCRIPTOR(row_time), INTERVAL '30' MINUTE)
GROUP BY window_start, window_end, terminal_id, haulier

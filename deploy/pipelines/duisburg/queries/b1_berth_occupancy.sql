-- B1 berth occupancy, for berth planners and the harbour master: how many metres of each berth are taken, for how long.
-- A level: told at the end of every quarter hour, also when nobody comes or goes.
INSERT INTO window_stat
SELECT
  l.window_start, l.window_end, l.terminal_id, l.berth_id,
  l.level_start AS occupied_start_dm,
  l.level_end AS occupied_end_dm,
  l.level_us / 60000000 AS occupied_dm_min,
  b.to_dm - b.from_dm AS berth_length_dm,
  l.level_us * 10 / (nullif(b.to_dm - b.from_dm, 0) * 900000) AS occupied_bp,
  l.changes AS arrivals_and_departures
FROM LEVEL(
  (SELECT
     row_time, terminal_id, facility_code AS berth_id,
     CASE event_type WHEN 'ARRI' THEN 1 ELSE -1 END
       * coalesce(quay_to_dm - quay_from_dm, vessel_length_cm / 10, 0) AS taken_dm
   FROM port_call_timestamp
   WHERE service = 'BERTH' AND classifier = 'ACT' AND event_type IN ('ARRI', 'DEPA') AND NOT is_retracted
     AND facility_code <> ''),
  DESCRIPTOR(row_time), DESCRIPTOR(terminal_id, berth_id), taken_dm, INTERVAL '15' MINUTE) AS l
LEFT JOIN berth_state AS b ON b.berth_id = l.berth_id

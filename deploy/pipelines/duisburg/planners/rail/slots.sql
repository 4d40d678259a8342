-- The trains that units can be planned on, and those that closed but have not left. One row a train slot.
--   train_slot_id, service_id, terminal_id, corridor, origin, destination     UN/LOCODEs; track for display
--   departure_at                          forecast if there is one, else planned; arrival_at likewise
--   status                                OPEN, CLOSED, CANCELLED
--   length_max_dm, gross_max_kg, teu_max_quarters                 0: no limit given
--   length_loaded_dm, gross_loaded_kg, teu_loaded_quarters, dangerous_goods_loaded    what stands on it already
--   cut_off_fco_at, cut_off_dco_at, cut_off_vco_at, cut_off_dgc_at   the last three NULL where the first holds
--   closing_at                            the loading list closes: the last cut-off
--   dangerous_goods_max                   units with dangerous goods
-- Stops on the way, track gauge (1435 mm), loading gauge, limits of single units and prices have no source yet: none.
SELECT
  s.train_slot_id, s.service_id, s.terminal_id, s.corridor,
  s.un_location_code AS origin, s.destination, s.track,
  coalesce(d.departure_estimated_at, s.departure_planned_at) AS departure_at,
  coalesce(d.arrival_estimated_at, s.arrival_planned_at) AS arrival_at,
  s.status, s.length_max_dm, s.gross_max_kg, s.teu_max_quarters,
  coalesce(l.length_dm, 0) AS length_loaded_dm,
  coalesce(l.gross_kg, 0) AS gross_loaded_kg,
  coalesce(l.teu_quarters, 0) AS teu_loaded_quarters,
  coalesce(l.dangerous_goods, 0) AS dangerous_goods_loaded,
  s.cut_off_fco_at, s.cut_off_dco_at, s.cut_off_vco_at, s.cut_off_dgc_at,
  s.cut_off_fco_at AS closing_at,
  s.dangerous_goods_max
FROM train_slot_state AS s
LEFT JOIN (
  SELECT
    train_id,
    max(event_time) FILTER (WHERE classifier = 'EST' AND location_status = 'DEPARTURE_ORIGIN') AS departure_estimated_at,
    max(event_time) FILTER (WHERE classifier = 'EST' AND location_status = 'ARRIVAL_DESTINATION') AS arrival_estimated_at,
    count(*) FILTER (WHERE classifier = 'ACT' AND location_status = 'DEPARTURE_ORIGIN') AS departures
  FROM train_state
  WHERE NOT is_retracted
  GROUP BY train_id) AS d
  ON d.train_id = s.train_slot_id
LEFT JOIN (
  SELECT
    train_slot_id, sum(length_dm) AS length_dm, sum(gross_kg) AS gross_kg, sum(teu_quarters) AS teu_quarters,
    count(*) FILTER (WHERE dangerous_goods_class <> '') AS dangerous_goods
  FROM booking_state
  WHERE status = 'LOADED' AND NOT is_retracted
  GROUP BY train_slot_id) AS l
  ON l.train_slot_id = s.train_slot_id
CROSS JOIN planner_tick AS t
WHERE s.status <> 'DEPARTED' AND NOT s.is_retracted AND coalesce(d.departures, 0) = 0
  AND coalesce(d.departure_estimated_at, s.departure_planned_at) > t.tick_at
ORDER BY s.train_slot_id

-- The berth visits that are to be planned: announced and not departed. One row a visit.
--   berth_visit_id, port_call_id, terminal_id, vessel_name
--   vessel_length_cm, vessel_draught_cm, vessel_air_draught_cm    NULL: not known; the planner's default
--   vessel_cones                          blue cones, 0 to 3
--   arrival_at                            actual arrival at berth if alongside, else estimated, planned, requested
--   arrival_classifier                    which of these: ACT, EST, PLN, REQ
--   is_alongside, berth_id_actual, quay_from_dm_actual            where it lies; NULL unless alongside
--   departure_estimated_at                end of the stay as the terminal sees it, once alongside; else NULL
--   berth_id_preferred                    berth named in the newest plan or request; NULL where none is
--   moves                                 container moves to be made; NULL: not known
--   handling_planned_min                  agreed time to complete cargo operations; NULL: from the moves
--   departure_latest_at                   the stay must end by then; NULL: no limit
--   departure_planned_at                  the stay should end by then; NULL: no wish
--   priority                              1 is usual
--   rotation_id, rotation_seq             barges that call at several terminals; '' and 0 where there is none
-- Contracts and promised windows have no source yet: none. Prices and setup times are settings of the planner.
WITH
visit AS (
  SELECT
    port_call_id, berth_visit_id,
    last_value(terminal_id ORDER BY row_time, service, event_type, classifier) AS terminal_id,
    last_value(vessel_name ORDER BY row_time, service, event_type, classifier) AS vessel_name,
    max(vessel_length_cm) AS vessel_length_cm,
    max(vessel_draught_cm) AS vessel_draught_cm,
    max(vessel_air_draught_cm) AS vessel_air_draught_cm,
    max(vessel_cones) AS vessel_cones,
    max(handling_planned_min) AS handling_planned_min,
    max(departure_latest_at) AS departure_latest_at,
    max(priority) AS priority,
    max(rotation_id) AS rotation_id,
    max(rotation_seq) AS rotation_seq,
    max(event_time) FILTER (WHERE event_type = 'ARRI' AND classifier = 'ACT') AS arrival_actual_at,
    max(event_time) FILTER (WHERE event_type = 'ARRI' AND classifier = 'EST') AS arrival_estimated_at,
    max(event_time) FILTER (WHERE event_type = 'ARRI' AND classifier = 'PLN') AS arrival_planned_at,
    max(event_time) FILTER (WHERE event_type = 'ARRI' AND classifier = 'REQ') AS arrival_requested_at,
    max(event_time) FILTER (WHERE event_type = 'DEPA' AND classifier = 'EST') AS departure_estimated_at,
    max(event_time) FILTER (WHERE event_type = 'DEPA' AND classifier = 'PLN') AS departure_planned_at,
    max(facility_code) FILTER (WHERE event_type = 'ARRI' AND classifier = 'ACT') AS berth_id_actual,
    max(quay_from_dm) FILTER (WHERE event_type = 'ARRI' AND classifier = 'ACT') AS quay_from_dm_actual,
    nullif(max(facility_code) FILTER (WHERE event_type = 'ARRI' AND classifier IN ('PLN', 'REQ')), '') AS berth_id_preferred,
    count(*) FILTER (WHERE event_type = 'DEPA' AND classifier = 'ACT') AS departures,
    count(*) FILTER (WHERE event_type = 'CANC') AS cancellations
  FROM port_call_state
  WHERE service = 'BERTH' AND berth_visit_id <> '' AND NOT is_retracted
  GROUP BY port_call_id, berth_visit_id)
SELECT
  v.berth_visit_id, v.port_call_id, v.terminal_id, v.vessel_name,
  v.vessel_length_cm, v.vessel_draught_cm, v.vessel_air_draught_cm, v.vessel_cones,
  coalesce(v.arrival_actual_at, v.arrival_estimated_at, v.arrival_planned_at, v.arrival_requested_at) AS arrival_at,
  CASE
    WHEN v.arrival_actual_at IS NOT NULL THEN 'ACT'
    WHEN v.arrival_estimated_at IS NOT NULL THEN 'EST'
    WHEN v.arrival_planned_at IS NOT NULL THEN 'PLN'
    ELSE 'REQ'
  END AS arrival_classifier,
  v.arrival_actual_at IS NOT NULL AS is_alongside,
  v.berth_id_actual, v.quay_from_dm_actual,
  CASE WHEN v.arrival_actual_at IS NOT NULL THEN v.departure_estimated_at END AS departure_estimated_at,
  v.berth_id_preferred,
  m.discharge_moves + m.load_moves + m.restow_moves AS moves,
  v.handling_planned_min, v.departure_latest_at, v.departure_planned_at,
  coalesce(v.priority, 1) AS priority,
  v.rotation_id, v.rotation_seq
FROM visit AS v
LEFT JOIN moves_state AS m ON m.port_call_id = v.port_call_id AND m.berth_visit_id = v.berth_visit_id
WHERE v.departures = 0 AND v.cancellations = 0
  AND coalesce(v.arrival_actual_at, v.arrival_estimated_at, v.arrival_planned_at, v.arrival_requested_at) IS NOT NULL
ORDER BY v.berth_visit_id

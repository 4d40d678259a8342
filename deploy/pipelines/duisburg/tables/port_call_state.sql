-- The newest timestamp of each kind of every berth visit: what is estimated, planned, requested, and what happened.
-- The instant itself is event_time. A retracted one stays as the newest row: read it with NOT is_retracted.
CREATE TABLE port_call_state
  (PRIMARY KEY (port_call_id, berth_visit_id, service, event_type, classifier)) AS
SELECT
  row_time, port_call_id, berth_visit_id, service, event_type, classifier, event_time, is_retracted, terminal_id, source,
  facility_code, quay_from_dm, quay_to_dm, carrier, handling_planned_min, departure_latest_at, rotation_seq, rotation_id,
  priority, vessel_imo, vessel_eni, vessel_mmsi, vessel_name, vessel_kind, vessel_length_cm, vessel_beam_cm,
  vessel_draught_cm, vessel_air_draught_cm, vessel_cones
FROM port_call_timestamp

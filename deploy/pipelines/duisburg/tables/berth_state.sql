-- Berths as the newest master data has them.
CREATE TABLE berth_state (PRIMARY KEY (berth_id)) AS
SELECT
  berth_id, terminal_id, quay, from_dm, to_dm, depth_cm, gauge_station, gauge_reference_cm, air_clearance_cm, cones_max,
  has_shore_power, gap_dm, is_single, is_retracted
FROM berth

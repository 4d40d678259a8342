-- The berths. One row a berth.
--   berth_id, terminal_id, quay
--   from_dm, to_dm                        along the quay from its zero point
--   is_single                             true: one vessel at a time; false: by the metre
--   gap_dm                                free quay between two vessels where it is used by the metre
--   depth_cm, gauge_station, gauge_reference_cm                   depth at that level of that gauge
--   air_clearance_cm                      NULL: open above
--   cones_max                             0 to 3
-- Opening hours and shallow sections have no source yet: always open, one depth. The mooring step is a setting.
SELECT
  berth_id, terminal_id, quay, from_dm, to_dm, is_single, gap_dm, depth_cm, gauge_station, gauge_reference_cm,
  air_clearance_cm, cones_max, has_shore_power
FROM berth_state
WHERE NOT is_retracted AND to_dm > from_dm
ORDER BY berth_id

-- The water level as steps: the newest reading of each gauge, then its forecast from the tick on. Several rows a gauge.
--   station
--   from_at                               the level holds from here to the next row of the station
--   level_cm                              above the gauge's zero
--   is_forecast
SELECT
  coalesce(f.station, w.station) AS station,
  coalesce(f.event_time, w.event_time) AS from_at,
  coalesce(f.level_cm, w.level_cm) AS level_cm,
  f.station IS NOT NULL AS is_forecast
FROM water_state AS w
FULL JOIN (
  SELECT a.station, a.event_time, a.level_cm
  FROM water_forecast_state AS a
  CROSS JOIN planner_tick AS t
  WHERE a.event_time > t.tick_at) AS f
  ON f.station = w.station AND f.event_time = w.event_time
ORDER BY station, from_at

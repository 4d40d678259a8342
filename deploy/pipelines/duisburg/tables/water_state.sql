-- The newest reading of every gauge.
CREATE TABLE water_state (PRIMARY KEY (station)) AS
SELECT row_time, station, event_time, level_cm, state_mnw_mhw, state_nsw_hsw
FROM water_level
WHERE classifier = 'ACT'

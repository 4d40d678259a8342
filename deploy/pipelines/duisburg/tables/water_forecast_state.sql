-- The forecast of every gauge: for each instant (event_time) what was said last.
CREATE TABLE water_forecast_state (PRIMARY KEY (station, event_time)) AS
SELECT row_time, station, event_time, level_cm
FROM water_level
WHERE classifier = 'EST'

-- The newest forecast of container moves of every berth visit.
CREATE TABLE moves_state (PRIMARY KEY (port_call_id, berth_visit_id)) AS
SELECT
  port_call_id, berth_visit_id, terminal_id,
  discharge_20 + discharge_40 + discharge_45 AS discharge_moves,
  load_20 + load_40 + load_45 AS load_moves,
  restow AS restow_moves
FROM moves_forecast

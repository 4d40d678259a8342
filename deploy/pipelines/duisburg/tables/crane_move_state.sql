-- Moves of the quay cranes over the last day: of each crane the newest that ended in each half minute of the day, so that the
-- table does not grow for ever. No crane ends two moves within half a minute.
CREATE TABLE crane_move_state (PRIMARY KEY (equipment_id, half_minute)) AS
SELECT
  equipment_id, CAST(ended_at AS BIGINT) / 30000000 % 2880 AS half_minute, berth_visit_id, ended_at, is_productive, is_retracted
FROM move_event
WHERE classifier = 'ACT' AND berth_visit_id <> '' AND ended_at > started_at

-- The last move of every container.
CREATE TABLE container (PRIMARY KEY (container_id)) AS
SELECT row_time, container_id, terminal_id, equipment_id, from_position, to_position, started_at, ended_at, event_type,
  is_productive, teu_quarters
FROM move_event

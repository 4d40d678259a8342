-- The last passage of every truck.
CREATE TABLE truck (PRIMARY KEY (truck_id)) AS
SELECT row_time, truck_id, terminal_id, gate, direction, entered_at, appointment_id, appointment_from_at, appointment_to_at,
  haulier, container_id
FROM gate_event

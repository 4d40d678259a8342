-- When a container is expected to come into the yard, as last estimated or planned.
CREATE TABLE container_expected_state (PRIMARY KEY (container_id)) AS
SELECT row_time, container_id, terminal_id, event_type, event_time, classifier, is_retracted
FROM equipment_event
WHERE classifier IN ('EST', 'PLN') AND event_type IN ('GTIN', 'DISC')

-- Customs' last word on every container.
CREATE TABLE customs_state (PRIMARY KEY (container_id)) AS
SELECT container_id, terminal_id, state, office, event_time, classifier, is_retracted
FROM customs_status

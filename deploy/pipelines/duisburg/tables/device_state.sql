-- Whether every crane and gate works.
CREATE TABLE device_state (PRIMARY KEY (device_id)) AS
SELECT device_id, terminal_id, event_time, is_up, reason, up_expected_at
FROM device_status

-- The planners' last word on every berth visit.
CREATE TABLE berth_lock_state (PRIMARY KEY (berth_visit_id)) AS
SELECT berth_visit_id, port_call_id, kind, berth_id, start_at, reason, planner, is_retracted
FROM berth_command

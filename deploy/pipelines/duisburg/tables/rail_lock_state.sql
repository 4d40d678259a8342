-- The planners' last word on every unit.
CREATE TABLE rail_lock_state (PRIMARY KEY (unit_id)) AS
SELECT unit_id, kind, train_slot_id, reason, planner, is_retracted
FROM rail_command

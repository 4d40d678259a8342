-- Cranes as the newest master data has them.
CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS
SELECT crane_id, terminal_id, quay, from_dm, to_dm, moves_per_h, is_retracted
FROM crane

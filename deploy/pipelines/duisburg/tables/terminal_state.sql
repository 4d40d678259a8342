-- Terminals as the newest master data has them.
CREATE TABLE terminal_state (PRIMARY KEY (terminal_id)) AS
SELECT terminal_id, name, yard_capacity_teu_quarters
FROM terminal
WHERE terminal_id <> ''

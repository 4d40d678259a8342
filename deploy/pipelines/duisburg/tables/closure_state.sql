-- Closures of berths.
CREATE TABLE closure_state (PRIMARY KEY (closure_id)) AS
SELECT closure_id, berth_id, terminal_id, from_at, to_at, is_cancelled, reason, is_retracted
FROM berth_closure

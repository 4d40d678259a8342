-- How often every truck has come.
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, truck_id, haulier, count(*) AS passages
FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '28' DAY)
GROUP BY window_start, window_end, terminal_id, truck_id, haulier

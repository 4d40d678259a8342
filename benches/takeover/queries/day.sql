-- Moves of the day by terminal: nothing that fold keeps.
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(teu_quarters) AS teu_quarters
FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '1' DAY)
GROUP BY window_start, window_end, terminal_id

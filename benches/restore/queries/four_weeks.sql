-- Moves of the last four weeks by terminal, told every day: the rows that a restored processor is waited for.
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(teu_quarters) AS teu_quarters
FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '1' DAY, INTERVAL '28' DAY)
GROUP BY window_start, window_end, terminal_id

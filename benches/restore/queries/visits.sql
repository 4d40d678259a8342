-- Visits of every truck: passages with less than four weeks in between.
INSERT INTO window_stat
SELECT window_start, window_end, truck_id, count(*) AS passages
FROM SESSION(gate_event, DESCRIPTOR(row_time), DESCRIPTOR(truck_id), INTERVAL '28' DAY)
GROUP BY window_start, window_end, truck_id

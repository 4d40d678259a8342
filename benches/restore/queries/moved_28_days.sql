-- How often every container was moved within four weeks, and between which places.
INSERT INTO window_stat
SELECT window_start, window_end, container_id, count(*) AS moves, max(teu_quarters) AS teu_quarters_max,
  min(started_at) AS first_at, max(ended_at) AS last_at, min(from_position) AS least_from, max(to_position) AS most_to
FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '7' DAY, INTERVAL '28' DAY)
GROUP BY window_start, window_end, container_id

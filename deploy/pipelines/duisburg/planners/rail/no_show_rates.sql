-- Of the bookings of the last 28 days that came to their end, how many were brought and how many never were (query R6).
--   customer, service_id                  service of the slot that was booked last
--   shows, no_shows
SELECT
  k.customer, coalesce(s.service_id, '') AS service_id,
  count(*) FILTER (WHERE k.status = 'LOADED') AS shows,
  count(*) FILTER (WHERE k.status = 'NO_SHOW') AS no_shows
FROM booking_state AS k
LEFT JOIN train_slot_state AS s ON s.train_slot_id = k.train_slot_id
CROSS JOIN planner_tick AS t
WHERE k.status IN ('LOADED', 'NO_SHOW') AND NOT k.is_retracted AND k.row_time > t.tick_at - INTERVAL '28' DAY
GROUP BY k.customer, coalesce(s.service_id, '')
ORDER BY customer, service_id

-- R6 no-show rate, for rail planners: of the bookings that came to their end, how many were never brought, by customer and
-- service. The interval is Wilson's at 95 %: from few bookings little follows.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, customer, service_id,
  bookings,
  no_shows,
  no_shows * 10000 / bookings AS no_show_bp,
  CAST(round(10000 * (middle - spread)) AS BIGINT) AS no_show_low_bp,
  CAST(round(10000 * (middle + spread)) AS BIGINT) AS no_show_high_bp
FROM (
  SELECT
    window_start, window_end, terminal_id, customer, service_id, bookings, no_shows,
    (no_shows + 1.9208) / (bookings + 3.8416) AS middle,
    1.96 * sqrt(no_shows * (bookings - no_shows) / CAST(bookings AS DOUBLE) + 0.9604) / (bookings + 3.8416) AS spread
  FROM (
    SELECT
      b.window_start, b.window_end, b.terminal_id, b.customer, coalesce(h.service_id, '') AS service_id,
      count(*) AS bookings,
      count(*) FILTER (WHERE b.status = 'NO_SHOW') AS no_shows
    FROM HOP(
      (SELECT row_time, terminal_id, customer, train_slot_id, status
       FROM rail_booking
       WHERE status IN ('LOADED', 'NO_SHOW') AND NOT is_retracted),
      DESCRIPTOR(row_time), INTERVAL '1' DAY, INTERVAL '28' DAY) AS b
    LEFT JOIN train_slot_state_history AS h
      ON h.train_slot_id = b.train_slot_id AND h.valid_from <= b.row_time AND b.row_time < h.valid_to
    GROUP BY b.window_start, b.window_end, b.terminal_id, b.customer, coalesce(h.service_id, '')))

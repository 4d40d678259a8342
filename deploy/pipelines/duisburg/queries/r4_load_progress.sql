-- R4 load progress, for rail planners and terminal operations: what is loaded of each train and what is left, against the
-- time until it leaves. From two hours before closing until it has left, at most a day after the plan. The pace is that of the last half
-- hour; without one the margin is unknown.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, train_slot_id,
  departure_planned_at,
  departure_expected_at,
  booked_units,
  loaded_units,
  booked_units - loaded_units AS remaining_units,
  loaded_teu_quarters,
  booked_teu_quarters - loaded_teu_quarters AS remaining_teu_quarters,
  loaded_units * 10000 / booked_units AS loaded_bp,
  loaded_30_min_units * 2 AS pace_units_h,
  left_us / 60000000 AS left_min,
  CASE WHEN left_us > 0 THEN (booked_units - loaded_units) * 360000000000 / left_us END AS needed_centiunits_h,
  -- Loading ends so long before departure at this pace; negative: after it.
  left_us / 60000000 - (booked_units - loaded_units) * 30 / nullif(loaded_30_min_units, 0) AS margin_min,
  composed_length_dm,
  composed_gross_t
FROM (
  SELECT
    l.*, d.departure_expected_at, g.length_dm AS composed_length_dm, g.gross_t AS composed_gross_t,
    CAST(coalesce(d.departure_expected_at, l.departure_planned_at) AS BIGINT) - CAST(l.tick_at AS BIGINT) AS left_us
  FROM (
    SELECT
      t.window_start, t.window_end, t.tick_at, s.terminal_id, s.train_slot_id, s.departure_planned_at,
      count(*) AS booked_units,
      sum(k.teu_quarters) AS booked_teu_quarters,
      count(*) FILTER (WHERE k.status = 'LOADED' OR c.container_id IS NOT NULL) AS loaded_units,
      coalesce(sum(k.teu_quarters) FILTER (WHERE k.status = 'LOADED' OR c.container_id IS NOT NULL), 0)
        AS loaded_teu_quarters,
      count(*) FILTER (WHERE c.event_time > t.tick_at - INTERVAL '30' MINUTE) AS loaded_30_min_units
    FROM TICK(INTERVAL '5' MINUTE) AS t
    CROSS JOIN train_slot_state AS s
    JOIN booking_state AS k
      ON k.train_slot_id = s.train_slot_id
    LEFT JOIN (
      SELECT container_id, terminal_id, event_time
      FROM container_state
      WHERE event_type = 'LOAD' AND NOT is_retracted) AS c
      ON c.container_id = k.unit_id AND c.terminal_id = k.terminal_id
    WHERE s.status IN ('OPEN', 'CLOSED') AND NOT s.is_retracted
      AND k.status IN ('BOOKED', 'LOADED') AND NOT k.is_retracted
      AND t.tick_at > s.cut_off_fco_at - INTERVAL '2' HOUR
      AND t.tick_at <= s.departure_planned_at + INTERVAL '1' DAY
    GROUP BY t.window_start, t.window_end, t.tick_at, s.terminal_id, s.train_slot_id, s.departure_planned_at) AS l
  LEFT JOIN (
    SELECT train_id, max(event_time) AS departure_expected_at
    FROM train_state
    WHERE location_status = 'DEPARTURE_ORIGIN' AND classifier = 'EST' AND NOT is_retracted
    GROUP BY train_id) AS d
    ON d.train_id = l.train_slot_id
  LEFT JOIN (SELECT train_id, length_dm, gross_t FROM train_size_state WHERE NOT is_retracted) AS g
    ON g.train_id = l.train_slot_id) AS r

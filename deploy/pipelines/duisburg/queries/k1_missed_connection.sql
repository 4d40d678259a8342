-- K1 missed connection, for all desks: for each unit booked on an open train that closes within twelve hours, the time
-- between its readiness (in the yard, else as estimated) and the train's cut-off. At every tick until departure.
-- Bands: missed < 0 <= high < 60 min <= medium < 240 min <= low; held: customs has not released it; unknown: no estimate.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, unit_id, train_slot_id,
  ready_at,
  cut_off_at,
  is_present,
  slack_us / 60000000 AS slack_min,
  CASE
    WHEN is_held THEN 'held'
    WHEN slack_us IS NULL THEN 'unknown'
    WHEN slack_us < 0 THEN 'missed'
    WHEN slack_us < 3600000000 THEN 'high'
    WHEN slack_us < 14400000000 THEN 'medium'
    ELSE 'low'
  END AS risk_band
FROM (
  SELECT
    u.window_start, u.window_end, u.terminal_id, u.unit_id, u.train_slot_id, u.ready_at, u.cut_off_at, u.is_present,
    u.is_held,
    CAST(u.cut_off_at AS BIGINT) - CAST(u.ready_at AS BIGINT) AS slack_us
  FROM (
    SELECT
      t.window_start, t.window_end, k.terminal_id, k.unit_id, k.train_slot_id,
      CASE
        WHEN c.container_id IS NOT NULL THEN c.event_time
        WHEN coalesce(e.event_time, k.ready_estimated_at) IS NULL THEN NULL
        -- What was to come by now and has not come, comes now at best.
        ELSE greatest(t.tick_at, coalesce(e.event_time, k.ready_estimated_at))
      END AS ready_at,
      CASE
        WHEN k.dangerous_goods_class <> '' THEN coalesce(s.cut_off_dgc_at, s.cut_off_fco_at)
        ELSE s.cut_off_fco_at
      END AS cut_off_at,
      c.container_id IS NOT NULL AS is_present,
      coalesce(x.state, 'RELEASE') <> 'RELEASE' AS is_held
    FROM TICK(INTERVAL '5' MINUTE) AS t
    CROSS JOIN train_slot_state AS s
    JOIN booking_state AS k
      ON k.train_slot_id = s.train_slot_id
    LEFT JOIN (
      SELECT container_id, terminal_id, event_time
      FROM container_state
      WHERE yard_block <> '' AND yard_delta_teu_quarters >= 0 AND NOT is_retracted) AS c
      ON c.container_id = k.unit_id AND c.terminal_id = k.terminal_id
    LEFT JOIN (SELECT container_id, event_time FROM container_expected_state WHERE NOT is_retracted) AS e
      ON e.container_id = k.unit_id
    LEFT JOIN (SELECT container_id, state FROM customs_state WHERE NOT is_retracted) AS x
      ON x.container_id = k.unit_id
    WHERE s.status IN ('OPEN', 'CLOSED') AND NOT s.is_retracted
      AND k.status = 'BOOKED' AND NOT k.is_retracted
      AND t.tick_at >= s.cut_off_fco_at - INTERVAL '12' HOUR
      AND t.tick_at < s.departure_planned_at) AS u)

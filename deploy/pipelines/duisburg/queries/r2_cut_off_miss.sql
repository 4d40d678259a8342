-- R2 cut-off miss, for rail planners: of the units booked on a train, which have missed a cut-off, and by what. From twelve
-- hours before the train closes until it does. Each cause has its own cut-off: dangerous goods (DGC) and others (FCO) must
-- be in the yard, the verified gross mass must be known (VCO), customs must have let go (DCO); where the slot names none, FCO.
-- A unit that misses several counts under each, and once in late_units.
INSERT INTO window_stat
SELECT
  window_start, window_end, terminal_id, train_slot_id,
  cut_off_fco_at,
  departure_planned_at,
  count(*) AS booked_units,
  count(*) FILTER (WHERE is_in AND NOT lacks_vgm AND NOT is_held) AS ready_units,
  count(*) FILTER (WHERE is_late_in OR is_late_vgm OR is_late_customs) AS late_units,
  count(*) FILTER (WHERE is_late_in AND NOT is_dangerous) AS late_gate_in_units,
  count(*) FILTER (WHERE is_late_in AND is_dangerous) AS late_dangerous_units,
  count(*) FILTER (WHERE is_late_vgm) AS late_vgm_units,
  count(*) FILTER (WHERE is_late_customs) AS late_customs_units,
  count(*) FILTER (WHERE NOT is_in) AS awaited_units,
  count(*) FILTER (WHERE lacks_vgm) AS without_vgm_units,
  count(*) FILTER (WHERE is_held) AS held_units
FROM (
  SELECT
    window_start, window_end, terminal_id, train_slot_id, cut_off_fco_at, departure_planned_at, is_dangerous, is_in,
    lacks_vgm, is_held,
    CASE WHEN is_in THEN in_at > cut_off_in_at ELSE tick_at >= cut_off_in_at END AS is_late_in,
    lacks_vgm AND tick_at >= cut_off_vco_at AS is_late_vgm,
    CASE WHEN is_held THEN tick_at >= cut_off_dco_at ELSE coalesce(released_at > cut_off_dco_at, FALSE) END AS is_late_customs
  FROM (
    SELECT
      t.window_start, t.window_end, t.tick_at, s.terminal_id, s.train_slot_id, s.cut_off_fco_at, s.departure_planned_at,
      k.dangerous_goods_class <> '' AS is_dangerous,
      CASE WHEN k.dangerous_goods_class <> '' THEN coalesce(s.cut_off_dgc_at, s.cut_off_fco_at) ELSE s.cut_off_fco_at END
        AS cut_off_in_at,
      coalesce(s.cut_off_vco_at, s.cut_off_fco_at) AS cut_off_vco_at,
      coalesce(s.cut_off_dco_at, s.cut_off_fco_at) AS cut_off_dco_at,
      coalesce(c.yard_delta_teu_quarters >= 0 AND c.yard_block <> '' AND c.terminal_id = k.terminal_id, FALSE) AS is_in,
      c.event_time AS in_at,
      -- An empty container needs none.
      c.vgm_kg IS NULL AND coalesce(c.empty_indicator, '') <> 'EMPTY' AS lacks_vgm,
      coalesce(x.state, 'RELEASE') <> 'RELEASE' AS is_held,
      x.event_time AS released_at
    FROM TICK(INTERVAL '5' MINUTE) AS t
    CROSS JOIN train_slot_state AS s
    JOIN booking_state AS k
      ON k.train_slot_id = s.train_slot_id
    LEFT JOIN (SELECT * FROM container_state WHERE NOT is_retracted) AS c
      ON c.container_id = k.unit_id
    LEFT JOIN (SELECT container_id, state, event_time FROM customs_state WHERE NOT is_retracted) AS x
      ON x.container_id = k.unit_id
    WHERE s.status IN ('OPEN', 'CLOSED') AND NOT s.is_retracted
      AND k.status = 'BOOKED' AND NOT k.is_retracted
      AND t.tick_at >= s.cut_off_fco_at - INTERVAL '12' HOUR
      AND t.tick_at <= s.cut_off_fco_at) AS u) AS v
GROUP BY window_start, window_end, terminal_id, train_slot_id, cut_off_fco_at, departure_planned_at

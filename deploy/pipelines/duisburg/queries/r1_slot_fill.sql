-- R1 slot fill, for rail planners: how full each open train is by TEU, mass and length, of what is booked and of what
-- stands in the yard or on the wagons already. At every tick up to the train's cut-off.
INSERT INTO window_stat
SELECT
  t.window_start, t.window_end, s.terminal_id, s.train_slot_id,
  s.departure_planned_at,
  s.cut_off_fco_at,
  coalesce(b.booked_units, 0) AS booked_units,
  coalesce(b.present_units, 0) AS present_units,
  coalesce(b.booked_teu_quarters, 0) AS booked_teu_quarters,
  coalesce(b.booked_gross_kg, 0) AS booked_gross_kg,
  coalesce(b.booked_length_dm, 0) AS booked_length_dm,
  coalesce(b.booked_teu_quarters, 0) * 10000 / nullif(s.teu_max_quarters, 0) AS booked_teu_bp,
  coalesce(b.booked_gross_kg, 0) * 10000 / nullif(s.gross_max_kg, 0) AS booked_gross_bp,
  coalesce(b.booked_length_dm, 0) * 10000 / nullif(s.length_max_dm, 0) AS booked_length_bp,
  coalesce(b.present_teu_quarters, 0) * 10000 / nullif(s.teu_max_quarters, 0) AS present_teu_bp,
  s.corridor,
  s.destination
FROM TICK(INTERVAL '5' MINUTE) AS t
CROSS JOIN train_slot_state AS s
LEFT JOIN (
  SELECT
    k.train_slot_id,
    count(*) AS booked_units,
    sum(k.teu_quarters) AS booked_teu_quarters,
    sum(k.gross_kg) AS booked_gross_kg,
    sum(k.length_dm) AS booked_length_dm,
    count(*) FILTER (WHERE k.status = 'LOADED' OR c.container_id IS NOT NULL) AS present_units,
    coalesce(sum(k.teu_quarters) FILTER (WHERE k.status = 'LOADED' OR c.container_id IS NOT NULL), 0) AS present_teu_quarters
  FROM booking_state AS k
  LEFT JOIN (
    SELECT container_id, terminal_id
    FROM container_state
    WHERE yard_block <> '' AND yard_delta_teu_quarters >= 0 AND NOT is_retracted) AS c
    ON c.container_id = k.unit_id AND c.terminal_id = k.terminal_id
  WHERE k.status IN ('BOOKED', 'LOADED') AND NOT k.is_retracted
  GROUP BY k.train_slot_id) AS b
  ON b.train_slot_id = s.train_slot_id
WHERE s.status = 'OPEN' AND t.tick_at <= s.cut_off_fco_at AND NOT s.is_retracted

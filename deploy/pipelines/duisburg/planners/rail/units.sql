-- The units that want to travel and are not loaded yet. One row a booking.
--   unit_id, booking_id, terminal_id, origin, destination         UN/LOCODEs
--   train_slot_id                         slot booked, '' where the planner may choose
--   teu_quarters, length_dm, gross_kg
--   dangerous_goods_class                 '' where not dangerous
--   is_empty, is_reefer                   by the newest equipment event; false where there is none
--   ready_at                              in the yard since, else estimated, never before the tick; NULL: not known
--   is_present                            it stands in the yard
--   customs_state                         HOLD, SCAN, INSPECT, RELEASE; 'RELEASE' where customs has said nothing
--   customs_release_estimated_at          NULL: no forecast
--   vgm_at                                when its gross mass was verified, NULL: not yet
--   priority                              1 is usual
--   due_at                                NULL: no due time
--   keep_together_id                      '' where it travels alone
--   customer                              '' where not known
-- Documents and declarations have no source yet: take them as in. Loading gauge, out of gauge: none.
SELECT
  k.unit_id, k.booking_id, k.terminal_id,
  k.un_location_code AS origin, k.destination, k.train_slot_id,
  k.teu_quarters, k.length_dm, k.gross_kg, k.dangerous_goods_class,
  coalesce(c.empty_indicator = 'EMPTY', false) AS is_empty,
  coalesce(substr(c.iso_code, 3, 1) IN ('R', 'H'), false) AS is_reefer,
  CASE
    WHEN c.is_present THEN c.event_time
    WHEN coalesce(e.event_time, k.ready_estimated_at) IS NULL THEN NULL
    ELSE greatest(t.tick_at, coalesce(e.event_time, k.ready_estimated_at))
  END AS ready_at,
  coalesce(c.is_present, false) AS is_present,
  coalesce(CASE WHEN x.state = 'RELEASE' AND x.classifier <> 'ACT' THEN 'HOLD' ELSE x.state END, 'RELEASE') AS customs_state,
  CASE WHEN x.state = 'RELEASE' AND x.classifier <> 'ACT' THEN greatest(t.tick_at, x.event_time) END
    AS customs_release_estimated_at,
  CASE WHEN c.vgm_kg IS NOT NULL THEN c.event_time END AS vgm_at,
  k.priority, k.due_at, k.keep_together_id, k.customer
FROM booking_state AS k
LEFT JOIN (
  SELECT
    container_id, event_time, iso_code, empty_indicator, vgm_kg, terminal_id,
    yard_block <> '' AND yard_delta_teu_quarters >= 0 AS is_present
  FROM container_state
  WHERE NOT is_retracted) AS c
  ON c.container_id = k.unit_id AND c.terminal_id = k.terminal_id
LEFT JOIN (SELECT container_id, event_time FROM container_expected_state WHERE NOT is_retracted) AS e
  ON e.container_id = k.unit_id
LEFT JOIN (SELECT container_id, state, classifier, event_time FROM customs_state WHERE NOT is_retracted) AS x
  ON x.container_id = k.unit_id
CROSS JOIN planner_tick AS t
WHERE k.status = 'BOOKED' AND NOT k.is_retracted AND k.destination <> ''
ORDER BY k.unit_id, k.booking_id

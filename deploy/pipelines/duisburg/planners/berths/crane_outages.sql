-- Cranes that stand still now. One row a crane.
--   crane_id
--   from_at                               since when
--   to_at                                 expected back, never before the tick; NULL: nobody knows
SELECT
  d.device_id AS crane_id,
  d.event_time AS from_at,
  CASE WHEN d.up_expected_at IS NOT NULL THEN greatest(d.up_expected_at, t.tick_at) END AS to_at
FROM device_state AS d
JOIN crane_state AS c ON c.crane_id = d.device_id
CROSS JOIN planner_tick AS t
WHERE NOT d.is_up AND NOT c.is_retracted
ORDER BY d.device_id

-- What the quay cranes really made over the last day: productive moves (as query B5 counts them) over the time that they worked.
-- A cycle reaches from the end of a move to the end of the next one of the same berth visit; one of more than a quarter of an
-- hour is a standstill, which `crane_outages` tells of, and not counted. One row a crane.
--   crane_id
--   moves                                 productive moves counted
--   centimoves_h                          moves an hour in hundredths (2550 is 25.5)
SELECT
  equipment_id AS crane_id,
  count(*) FILTER (WHERE is_productive) AS moves,
  count(*) FILTER (WHERE is_productive) * 360000000000 / sum(cycle_us) AS centimoves_h
FROM (
  SELECT
    m.equipment_id, m.is_productive,
    CAST(m.ended_at AS BIGINT)
      - lag(CAST(m.ended_at AS BIGINT)) OVER (PARTITION BY m.equipment_id, m.berth_visit_id ORDER BY m.ended_at) AS cycle_us
  FROM crane_move_state AS m
  CROSS JOIN planner_tick AS t
  WHERE NOT m.is_retracted AND m.ended_at > t.tick_at - INTERVAL '24' HOUR AND m.ended_at <= t.tick_at)
WHERE cycle_us > 0 AND cycle_us <= 900000000
GROUP BY equipment_id
ORDER BY crane_id

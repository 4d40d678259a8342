-- Watched between plans: closures of berths that are not over. A row that comes or goes makes a plan.
--   object_id                             closure with its berth and its bounds, so that a changed one is another
--   value                                 none
SELECT
  k.closure_id || ' of ' || k.berth_id || ' ' || CAST(k.from_at AS VARCHAR) || ' to ' || CAST(k.to_at AS VARCHAR) AS object_id,
  CAST(NULL AS BIGINT) AS value
FROM closure_state AS k
CROSS JOIN planner_tick AS t
WHERE NOT k.is_cancelled AND NOT k.is_retracted AND k.to_at > t.tick_at AND k.to_at > k.from_at
ORDER BY object_id

-- Closures of berths that are not over. One row a closure.
--   closure_id, berth_id, from_at, to_at  the whole berth is closed
SELECT k.closure_id, k.berth_id, k.from_at, k.to_at
FROM closure_state AS k
CROSS JOIN planner_tick AS t
WHERE NOT k.is_cancelled AND NOT k.is_retracted AND k.to_at > t.tick_at AND k.to_at > k.from_at
ORDER BY k.closure_id

-- Watched between plans: cranes that stand still. A row that comes or goes makes a plan.
--   object_id                             crane
--   value                                 none
SELECT d.device_id AS object_id, CAST(NULL AS BIGINT) AS value
FROM device_state AS d
JOIN crane_state AS c ON c.crane_id = d.device_id
WHERE NOT d.is_up AND NOT c.is_retracted
ORDER BY d.device_id

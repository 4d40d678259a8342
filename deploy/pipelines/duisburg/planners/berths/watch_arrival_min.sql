-- Watched between plans: when the coming vessels are expected. One row a visit.
--   object_id                             berth visit
--   value                                 estimated arrival, minutes since 1970
SELECT
  berth_visit_id AS object_id,
  CAST(max(event_time) AS BIGINT) / 60000000 AS value
FROM port_call_state
WHERE service = 'BERTH' AND event_type = 'ARRI' AND classifier = 'EST' AND berth_visit_id <> '' AND NOT is_retracted
GROUP BY berth_visit_id
ORDER BY berth_visit_id

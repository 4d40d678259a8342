-- Watched between plans: gauges with a warning of low or high water. A row that comes or goes makes a plan.
--   object_id                             gauge station with the warning, by its long-term marks (MNW/MHW, NSW/HSW)
--   value                                 none
SELECT
  station || ' ' || state_mnw_mhw || ' ' || state_nsw_hsw AS object_id,
  CAST(NULL AS BIGINT) AS value
FROM water_state
WHERE lower(state_mnw_mhw) IN ('low', 'high') OR lower(state_nsw_hsw) IN ('low', 'high')
ORDER BY object_id

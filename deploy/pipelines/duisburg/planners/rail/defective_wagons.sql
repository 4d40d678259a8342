-- Wagons that may not be loaded. One row a wagon.
--   wagon_number
SELECT wagon_number
FROM wagon_state
WHERE is_defective AND NOT is_retracted
ORDER BY wagon_number

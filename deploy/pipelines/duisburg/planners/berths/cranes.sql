-- The quay cranes. One row a crane, in the order of the rail: by quay, then reach, then id.
--   crane_id, terminal_id, quay, from_dm, to_dm                   reach along the quay
--   moves_per_h                           when undisturbed
SELECT crane_id, terminal_id, quay, from_dm, to_dm, moves_per_h
FROM crane_state
WHERE NOT is_retracted AND moves_per_h > 0
ORDER BY quay, from_dm, crane_id

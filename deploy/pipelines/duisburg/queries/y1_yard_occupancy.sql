-- Y1 yard occupancy, for terminal operations: what stands in each block, and its share of the terminal's whole capacity.
-- A level: told at the end of every quarter hour, also when nothing moves.
INSERT INTO window_stat
SELECT
  l.window_start, l.window_end, l.terminal_id, l.yard_block,
  l.level_start AS stock_start_teu_quarters,
  l.level_end AS stock_end_teu_quarters,
  l.level_us / 900000000 AS stock_mean_teu_quarters,
  t.yard_capacity_teu_quarters AS terminal_capacity_teu_quarters,
  l.level_end * 10000 / nullif(t.yard_capacity_teu_quarters, 0) AS occupied_bp,
  l.changes AS moves
FROM LEVEL(
  (SELECT row_time, terminal_id, yard_block, yard_delta_teu_quarters
   FROM equipment_event
   WHERE classifier = 'ACT' AND yard_delta_teu_quarters <> 0 AND yard_block <> '' AND NOT is_retracted),
  DESCRIPTOR(row_time), DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '15' MINUTE) AS l
LEFT JOIN terminal_state AS t ON t.terminal_id = l.terminal_id

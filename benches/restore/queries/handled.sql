-- Quarters of a TEU that were ever moved, by container, told every 52 weeks.
INSERT INTO window_stat
SELECT window_start, window_end, container_id, level_end
FROM LEVEL((SELECT row_time, container_id, teu_quarters FROM move_event), DESCRIPTOR(row_time), DESCRIPTOR(container_id),
  teu_quarters, INTERVAL '364' DAY)

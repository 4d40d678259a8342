-- The last thing that happened to every container; yard_block is where it stands if yard_delta_teu_quarters is not
-- negative. Statements about customs and inspections do not move it and are left out.
CREATE TABLE container_state (PRIMARY KEY (container_id)) AS
SELECT
  row_time, container_id, terminal_id, event_type, event_time, yard_block, yard_delta_teu_quarters, teu_quarters, iso_code,
  empty_indicator, vgm_kg, dangerous_goods_class, is_retracted
FROM equipment_event
WHERE classifier = 'ACT' AND event_type NOT IN ('INSP', 'CUSS', 'CUSI', 'CUSR', 'RSEA', 'AVPU', 'AVDO')

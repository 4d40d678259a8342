-- Train slots as the newest master data has them. train_slot_id is the train_id of the train's own messages.
CREATE TABLE train_slot_state (PRIMARY KEY (train_slot_id)) AS
SELECT
  train_slot_id, terminal_id, service_id, corridor, destination, track, un_location_code, departure_planned_at,
  arrival_planned_at, length_max_dm, gross_max_kg, teu_max_quarters, cut_off_fco_at, cut_off_dco_at, cut_off_vco_at,
  cut_off_dgc_at, dangerous_goods_max, status, is_retracted
FROM train_slot

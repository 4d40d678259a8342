-- Bookings of units on trains as they stand.
CREATE TABLE booking_state (PRIMARY KEY (booking_id)) AS
SELECT
  row_time, booking_id, unit_id, terminal_id, train_slot_id, un_location_code, destination, teu_quarters, length_dm,
  gross_kg, dangerous_goods_class, priority, due_at, status, keep_together_id, customer, ready_estimated_at, is_retracted
FROM rail_booking

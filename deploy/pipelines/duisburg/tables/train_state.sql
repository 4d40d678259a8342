-- Where every train is, and where it is forecast to be: the newest report by place and kind.
CREATE TABLE train_state (PRIMARY KEY (train_id, location_status, classifier, location_code)) AS
SELECT
  row_time, train_id, location_status, classifier, location_code, terminal_id, event_time, booked_at, delay_s, corridor,
  track, is_retracted
FROM train_running

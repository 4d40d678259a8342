-- Whether every wagon may be loaded.
CREATE TABLE wagon_state (PRIMARY KEY (wagon_number)) AS
SELECT wagon_number, is_defective, defect, is_retracted
FROM wagon_status

-- Length and mass of every train, as its composition last said.
CREATE TABLE train_size_state (PRIMARY KEY (train_id)) AS
SELECT train_id, length_dm, gross_t, axles, axle_load_max_dt, is_retracted
FROM train_composition

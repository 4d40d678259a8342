-- The wagons of every train, as its composition last said, and the train's length and mass with them.
CREATE TABLE composition_state (PRIMARY KEY (train_id)) AS
SELECT train_id, wagon_numbers, wagon_types, length_dm, gross_t, is_retracted
FROM train_composition

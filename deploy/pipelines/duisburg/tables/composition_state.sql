-- The wagons of every train, as its composition last said.
CREATE TABLE composition_state (PRIMARY KEY (train_id)) AS
SELECT train_id, wagon_numbers, wagon_types, is_retracted
FROM train_composition

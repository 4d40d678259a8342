-- The wagons of the trains, where they are known. One row a train.
--   train_slot_id
--   wagon_numbers, wagon_types            from the head
SELECT train_id AS train_slot_id, wagon_numbers, wagon_types
FROM composition_state
WHERE NOT is_retracted AND train_id <> ''
ORDER BY train_id

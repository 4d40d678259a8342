//! The one test binary of the whole: from events in Kafka to rows, plans and rejects in Kafka, on the embedded broker
//! always, and on the Kafka that `KAFKA_BOOTSTRAP` names where it is set.

mod end_to_end;

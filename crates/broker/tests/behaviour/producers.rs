//! Idempotent producers: each record once, in order.

use rdkafka::producer::Producer;

use super::Outcome;
use super::client::{Target, deliveries, send, texts};

pub fn idempotence(target: &Target) -> Outcome {
    let topic = target.create_topic("idempotence", 1, &[]);
    let producer = target.producer(&[
        ("enable.idempotence", "true"),
        ("batch.num.messages", "10"),
        ("linger.ms", "1"),
    ]);
    for number in 0..2_000 {
        send(&producer, &topic, "k", &number.to_string());
    }
    let delivered = deliveries(&producer);
    assert!(
        delivered
            .iter()
            .enumerate()
            .all(|(number, result)| *result == Ok(i64::try_from(number).unwrap()))
    );
    assert!(producer.client().fatal_error().is_none());
    let read = texts(&target.read_all(&topic, "read_uncommitted"));
    assert!(
        read.iter()
            .enumerate()
            .all(|(number, text)| *text == number.to_string())
    );
    vec![format!(
        "{} delivered, {} read",
        delivered.len(),
        read.len()
    )]
}

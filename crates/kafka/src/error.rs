//! Why Kafka could not do what was asked.

use pipeline::log::LogError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Failure of administration, feeding or tailing. (The engine's own traits fail with
/// [`LogError`].)
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be set up.
    #[error("cannot set up the kafka client: {0}; check the kafka properties in the configuration")]
    Setup(Box<KafkaError>),
    /// A request failed or was not answered in time.
    #[error("cannot {action}: {cause}; check that the brokers at {bootstrap} are up")]
    Request {
        /// What was asked.
        action: String,
        /// The brokers asked.
        bootstrap: String,
        /// The answer.
        cause: Box<KafkaError>,
    },
    /// A broker refused to do something to a topic.
    #[error("cannot {action} topic {topic}: {code}")]
    Topic {
        /// What was asked.
        action: &'static str,
        /// Topic name.
        topic: String,
        /// The broker's reason.
        code: RDKafkaErrorCode,
    },
    /// A topic exists with another number of partitions.
    #[error(
        "topic {topic} has {found} partitions and {wanted} are configured: keys would move between partitions; set \
         the configuration to {found}, or delete the topic and let it be created anew"
    )]
    PartitionCount {
        /// Topic name.
        topic: String,
        /// What is there.
        found: usize,
        /// What is configured.
        wanted: usize,
    },
    /// A topic is not there.
    #[error(
        "topic {topic} does not exist: create it with `quaystream topics create` or mend its name"
    )]
    NoTopic {
        /// Topic name.
        topic: String,
    },
    /// A record is above the limit.
    #[error(
        "a record for topic {topic} with key {key} has {bytes} bytes, the limit is {limit}: split it, or raise the \
         record limit and the topic's max.message.bytes"
    )]
    RecordTooLarge {
        /// Topic name.
        topic: String,
        /// The key, readable.
        key: String,
        /// Bytes of key and value.
        bytes: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// Records were not written.
    #[error(
        "{count} records were not written, the first for topic {topic} with key {key}: {cause}"
    )]
    Undelivered {
        /// How many.
        count: u64,
        /// Topic of the first.
        topic: String,
        /// Key of the first, readable.
        key: String,
        /// The broker's or the client's reason.
        cause: Box<KafkaError>,
    },
}

impl From<Error> for LogError {
    fn from(error: Error) -> Self {
        LogError::Fatal(error.to_string())
    }
}

/// A key for a message to people: text as text, all else in hex, at most 64 characters.
pub(crate) fn readable(key: Option<&[u8]>) -> String {
    let Some(key) = key else {
        return "(none)".to_owned();
    };
    match std::str::from_utf8(key) {
        Ok(text) if !text.chars().any(char::is_control) => text.chars().take(64).collect(),
        _ => key
            .iter()
            .take(32)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}

/// True where another producer or consumer has taken this one's place.
pub(crate) fn is_fence(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::TransactionCoordinatorFenced
            | RDKafkaErrorCode::FencedInstanceId
    )
}

/// The user may not do this.
pub(crate) fn is_forbidden(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
    )
}

/// True where the topic or the right to use it is missing: waiting does not mend that.
pub(crate) fn is_denied(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication
    )
}

/// An error that trying again does not mend.
pub(crate) fn fatal(action: &str, error: &KafkaError) -> LogError {
    LogError::Fatal(format!("cannot {action}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_readable() {
        assert_eq!(readable(None), "(none)");
        assert_eq!(readable(Some(b"DEDUI-1")), "DEDUI-1");
        assert_eq!(readable(Some(&[0, 255])), "00ff");
        assert_eq!(
            readable(Some("ü".repeat(100).as_bytes())).chars().count(),
            64
        );
    }
}

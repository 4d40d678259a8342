//! Any of our messages in words: for `quaystream tail`, for the documentation.
//!
//! Instants (integers whose name ends in `_us`) are shown in RFC 3339, enums by the text that queries see, bytes in hex,
//! 64-bit integers as numbers.
mod fields;
mod instant;
mod show;

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;

use crate::Stream;
use crate::schema::snake;
pub use fields::{FieldText, fields};
pub use instant::{instant, rfc3339};

/// Why a message cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// No message of that name.
    #[error(
        "there is no message or stream {name}: try vessel, window_stat or quaystream.v1.WindowStat"
    )]
    NoMessage {
        /// The name asked for.
        name: String,
    },
    /// The bytes are not such a message.
    #[error("the {length} bytes are not a {message}")]
    NotTheMessage {
        /// Full name of the message.
        message: String,
        /// How many bytes.
        length: usize,
        /// What the decoder says.
        #[source]
        source: prost::DecodeError,
    },
}

/// The message of a name: a stream ("vessel"), a message in snake_case ("window_stat") or a full protobuf name.
///
/// # Errors
/// If there is none.
pub fn resolve(name: &str) -> Result<MessageDescriptor, DescribeError> {
    let full_name = Stream::from_name(name).map_or(name, |stream| stream.message_name());
    let by_snake = || {
        crate::pool()
            .all_messages()
            .find(|message| snake(message.name()) == name)
    };
    let message = crate::message(full_name).or_else(by_snake);
    message.ok_or_else(|| DescribeError::NoMessage {
        name: name.to_owned(),
    })
}

/// A message as JSON. `name` as in [`resolve`]. Fields that are absent or have their default are left out.
///
/// # Errors
/// If there is no such message, or the bytes are not one.
pub fn json(name: &str, bytes: &[u8]) -> Result<Value, DescribeError> {
    Ok(show::json(&decode(name, bytes)?))
}

/// A message as one line: `field=value` in the order of the schema, nested messages in braces.
///
/// # Errors
/// If there is no such message, or the bytes are not one.
pub fn line(name: &str, bytes: &[u8]) -> Result<String, DescribeError> {
    Ok(show::line(&decode(name, bytes)?))
}

fn decode(name: &str, bytes: &[u8]) -> Result<DynamicMessage, DescribeError> {
    let message = resolve(name)?;
    let full_name = message.full_name().to_owned();
    DynamicMessage::decode(message, bytes).map_err(|source| DescribeError::NotTheMessage {
        message: full_name,
        length: bytes.len(),
        source,
    })
}

#[cfg(test)]
mod tests;

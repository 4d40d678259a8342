//! The descriptors of all our messages, embedded when the crate is built.
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

static BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the bytes are made by build.rs: anything else is a broken build"
    )]
    DescriptorPool::decode(BYTES).expect("the embedded descriptor set is a descriptor set")
});

/// The encoded `FileDescriptorSet` of all our `.proto` files, with their comments.
pub fn descriptor_set() -> &'static [u8] {
    BYTES
}

/// The descriptors of all our messages.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The descriptor of a message by its full name, such as `quaystream.v1.VesselEvent`.
pub fn message(full_name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(full_name)
}

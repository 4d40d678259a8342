//! The generated types. Their documentation is the comments of the `.proto` files.

/// Package `quaystream.v1`: what stands on the public topics.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/quaystream.v1.rs"));
}

/// Package `quaystream.internal.v1`: what stands between the stages of the engine.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
pub mod internal {
    include!(concat!(env!("OUT_DIR"), "/quaystream.internal.v1.rs"));
}

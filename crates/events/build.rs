//! Compiles `proto/` to Rust types and to the descriptor set that the crate embeds. Needs no protoc.
use std::error::Error;
use std::path::PathBuf;

use prost::Message;

/// Relative to `proto/`. Imports are found from these.
const FILES: [&str; 10] = [
    "quaystream/v1/envelope.proto",
    "quaystream/v1/vessel.proto",
    "quaystream/v1/container.proto",
    "quaystream/v1/rail.proto",
    "quaystream/v1/telemetry.proto",
    "quaystream/v1/reference.proto",
    "quaystream/v1/planner.proto",
    "quaystream/v1/outputs.proto",
    "quaystream/internal/v1/partials.proto",
    "quaystream/internal/v1/snapshot.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let crate_dir = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let proto_dir = crate_dir.join("../../proto");
    println!("cargo:rerun-if-changed={}", proto_dir.display());
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);

    let descriptors = protox::compile(FILES, [&proto_dir])?;
    std::fs::write(
        out_dir.join("descriptors.binpb"),
        descriptors.encode_to_vec(),
    )?;

    prost_build::Config::new()
        .out_dir(out_dir)
        .compile_fds(descriptors)?;
    Ok(())
}

//! One test binary: the schema's promises, and the decoder beside prost.
mod baseline;
mod differential;
mod generator;
mod oracle;

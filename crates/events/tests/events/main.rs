//! One test binary: the schema's promises, and the decoder beside prost.
mod baseline;

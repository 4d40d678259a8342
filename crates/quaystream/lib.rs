//! Quaystream

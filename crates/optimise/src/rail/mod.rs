//! Rail slots.

//! Berth allocation.

//! Units and conversions.

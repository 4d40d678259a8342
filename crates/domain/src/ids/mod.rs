//! Identifiers of the port and their check digits.

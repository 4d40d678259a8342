//! Code lists in their standard and long spellings.

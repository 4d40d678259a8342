//! `quaystream plan`: the two optimisers on their own, on instance files. Library crates have no clock; the processor-time
//! limit, the printing and the JSON forms live here.

pub mod berths;
pub mod check;
pub mod clock;
pub mod limit;
pub mod rail;
pub mod table;

//! From SQL files to plans that run many times.

mod arguments;
pub mod call;
pub mod checked;
pub mod cut;
pub mod exact;
pub mod functions;
pub mod inputs;
pub mod parse;
pub mod percentile;
pub mod percentile_cont;
pub mod relation;
pub mod session;
pub mod slot;
pub mod sum;

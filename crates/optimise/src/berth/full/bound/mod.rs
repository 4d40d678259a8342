//! The bound for all rules: metres of quay, crane gangs and barges are shared by time slot, and each call buys what it uses.
//!
//! Relaxed are the rules between calls, each to "no more of a resource in a slot than there is": cells of a berth (one
//! mooring step long; a stay with cones takes its distance above it too), cranes of a quay by number, a barge's own time with
//! the least travel to its next terminal, and that of each two calls of a barge with the travel between them; and where one
//! call must precede another (rotations in fixed order, locked orders), at most one of "not done yet" and "begun". Kept
//! exactly are all rules of one call: places, depths, clearances, closures, hours, windows, locks, holds, high water,
//! handling times (with the fastest cranes in reach). Not priced, so a source of gap: crossing cranes, which crane it is,
//! the distance of cones below a stay and to other berths.
//!
//! With prices `lambda >= 0` on the resources the bound is the sum over calls of the cheapest option, minus the price of
//! all there is. Prices are integers in fixed point: the bound is exact.
//!
//! [`ascent`] raises it, [`fixing`] and [`couplings`] drop options, [`node`] parts what is left for the tree, [`memory`]
//! hands prices from one solve to the next.

mod ascent;
mod couplings;
mod fixing;
mod memory;
mod node;
mod options;
mod prices;
mod view;

pub(super) use ascent::{Bound, SCALE_BITS};
pub(super) use fixing::Candidate;
pub(super) use node::Part;

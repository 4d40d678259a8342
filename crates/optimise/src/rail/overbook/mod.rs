//! Level 3: how many bookings a train takes when not all of them show up, and who gives way if too many do.
//!
//! Bookings show up independently, each with its measured rate ([`ShowRate`], from counts of bookings and no-shows by
//! customer and service). The distribution of what shows up is exact (a convolution in quarters of a TEU, one in
//! decimetres, one in steps of 100 kg).
//!
//! A planner that has rates calls [`plan_overbooked`] where it would have called [`re_plan`](super::re_plan): level 1
//! plans with rooms stretched as far as the rates allow, every train of the plan is then assessed as it stands, and one
//! whose risk is above what the confidence leaves loses room until it is not. The answer carries, for every train from
//! which more bookings hang than there is room for, both risks, the bump order and its reasons; it also carries the
//! stretched problem, which is the one to check the plan against; whoever has the plan alone asks [`admit`]. For one train alone, [`accept()`] chooses among bookings
//! and [`assess`] tells the risk of a given list.

mod accept;
mod plan;
mod rate;
mod shows;

pub use accept::{Booking, Bump, BumpReason, Overbooking, Room, accept, assess};
pub use plan::{Overbooked, Shows, admit, plan_overbooked};
pub use rate::{CERTAIN_PERMILLE, Rates, ShowRate};

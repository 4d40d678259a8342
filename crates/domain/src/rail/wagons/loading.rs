//! A decision about a train's load.

/// A unit in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// The unit.
    pub unit: String,
    /// The wagon, from the head.
    pub wagon: usize,
    /// The platform of the wagon.
    pub platform: usize,
    /// The pattern in which the platform is used; one a platform.
    pub pattern: usize,
    /// The place within the pattern.
    pub position: usize,
}

/// Every unit in its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loading {
    /// Units in the order of the list that was to be loaded.
    pub placed: Vec<Placed>,
}

//! A train as it stands on the track, and what is to be loaded.

/// A place for one unit on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The length of unit that its spigots take, decimetres (61, 122, 137).
    pub length_dm: i64,
    /// Its middle, from the middle of the platform towards the train's end, decimetres.
    pub offset_dm: i64,
    /// The heaviest unit, kilograms.
    pub max_kg: i64,
}

/// Places that can be used together. Some may stay empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The places.
    pub positions: Vec<Position>,
}

/// A loading surface between two bogies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Between the pivots of its bogies, decimetres.
    pub pivot_dm: i64,
    /// Its own mass with its share of the bogies, kilograms.
    pub tare_kg: i64,
    /// The bogies under its two ends, by number within the wagon; articulated wagons share one.
    pub bogies: [usize; 2],
    /// How it can be loaded.
    pub patterns: Vec<Pattern>,
}

/// A type of wagon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WagonType {
    /// Its letters ("Sgns").
    pub name: String,
    /// Over the buffers, decimetres.
    pub length_dm: i64,
    /// Loading surfaces, from the train's head.
    pub platforms: Vec<Platform>,
    /// Axles of each bogie.
    pub bogie_axles: Vec<i64>,
    /// The largest loading-gauge code that it carries.
    pub max_profile_code: i64,
}

/// One wagon of the train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wagon {
    /// Its number, opaque here.
    pub number: String,
    /// Its type, as a position in [`Consist::types`].
    pub wagon_type: usize,
    /// True if it may not be loaded.
    pub is_defective: bool,
    /// Patterns that broken spigots rule out: (platform, pattern).
    pub lost_patterns: Vec<(usize, usize)>,
}

/// Dangerous goods that must stay apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segregation {
    /// One RID class.
    pub class: String,
    /// The other.
    pub other: String,
    /// At least so many wagons between them; 0 means only "not on one wagon".
    pub wagons_between: usize,
}

/// A train to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consist {
    /// Types of its wagons.
    pub types: Vec<WagonType>,
    /// Its wagons, from the head.
    pub wagons: Vec<Wagon>,
    /// Load on one axle, kilograms (22,500 on D lines).
    pub max_axle_kg: i64,
    /// Mass of wagons and load, kilograms.
    pub max_train_kg: i64,
    /// Length of all wagons, decimetres (7,400 less the locomotive).
    pub max_length_dm: i64,
    /// The heavier bogie of a platform carries at most so many times the lighter (3).
    pub max_bogie_ratio: i64,
    /// What must stay apart.
    pub segregations: Vec<Segregation>,
}

/// A unit to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadUnit {
    /// Its reference.
    pub id: String,
    /// Its length, decimetres.
    pub length_dm: i64,
    /// Its gross mass, kilograms.
    pub gross_kg: i64,
    /// The loading-gauge code it needs.
    pub profile_code: i64,
    /// Its RID class, if dangerous.
    pub dangerous_class: Option<String>,
    /// Where it stands along the track, decimetres from the train's head.
    pub yard_at_dm: i64,
}

impl Consist {
    /// The type of a wagon.
    pub fn type_of(&self, wagon: usize) -> &WagonType {
        &self.types[self.wagons[wagon].wagon_type]
    }

    /// Mass of the empty train, kilograms.
    pub fn tare_kg(&self) -> i64 {
        let platforms = (0..self.wagons.len()).flat_map(|wagon| &self.type_of(wagon).platforms);
        platforms.map(|platform| platform.tare_kg).sum()
    }

    /// Length over all wagons, decimetres.
    pub fn length_dm(&self) -> i64 {
        (0..self.wagons.len())
            .map(|wagon| self.type_of(wagon).length_dm)
            .sum()
    }

    /// The middle of each wagon, decimetres from the head.
    pub fn middles_dm(&self) -> Vec<i64> {
        let mut end = 0;
        let middle = |wagon: usize| {
            let length = self.type_of(wagon).length_dm;
            end += length;
            end - length / 2
        };
        (0..self.wagons.len()).map(middle).collect()
    }

    /// May this pattern of a wagon be used?
    pub fn allows(&self, wagon: usize, platform: usize, pattern: usize) -> bool {
        let wagon = &self.wagons[wagon];
        !wagon.is_defective && !wagon.lost_patterns.contains(&(platform, pattern))
    }

    /// Wagons that must lie between two classes: `None` if they may share a wagon.
    pub fn apart(&self, class: &str, other: &str) -> Option<usize> {
        let concerns = |rule: &&Segregation| {
            (rule.class == class && rule.other == other)
                || (rule.class == other && rule.other == class)
        };
        self.segregations
            .iter()
            .filter(concerns)
            .map(|rule| rule.wagons_between)
            .max()
    }
}

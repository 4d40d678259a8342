//! The search's picture of a train: places with who stands there, bogie loads, and a measure of what is wrong.

use domain::rail::wagons::{Consist, LoadUnit, Loading, Placed, bogie};

/// No unit.
pub const EMPTY: u32 = u32::MAX;
/// What a pair of dangerous goods too near to each other counts, kilograms of overload.
const TOO_NEAR_KG: i64 = 8_000;
/// What a unit without a place counts, kilograms.
const HOMELESS_KG: i64 = 25_000;

/// A platform of the train.
#[derive(Debug, Clone)]
pub struct Site {
    /// The wagon.
    pub wagon: usize,
    /// The platform within it.
    pub platform: usize,
    /// The pattern in use.
    pub pattern: usize,
    /// Patterns that can be used.
    pub allowed: Vec<usize>,
    /// Who stands in each place of the pattern.
    pub places: Vec<u32>,
}

/// A complete, perhaps faulty loading under change.
#[derive(Debug, Clone)]
pub struct Yard<'a> {
    /// The train.
    pub consist: &'a Consist,
    /// What is to be loaded.
    pub units: &'a [LoadUnit],
    /// Platforms that can be used.
    pub sites: Vec<Site>,
    /// Units without a place.
    pub homeless: Vec<u32>,
    /// Sites of each wagon.
    of_wagon: Vec<Vec<usize>>,
    /// Faults of each wagon, kilograms.
    wrong: Vec<i64>,
    /// Dangerous units: unit and its wagon.
    dangerous: Vec<u32>,
    wagon_of: Vec<usize>,
}

impl<'a> Yard<'a> {
    /// An empty train; every site in its first pattern.
    #[expect(
        clippy::needless_range_loop,
        reason = "the index names an item in several arrays"
    )]
    pub fn new(consist: &'a Consist, units: &'a [LoadUnit]) -> Self {
        let mut sites = Vec::new();
        let mut of_wagon = vec![Vec::new(); consist.wagons.len()];
        for wagon in 0..consist.wagons.len() {
            for (nth, platform) in consist.type_of(wagon).platforms.iter().enumerate() {
                let patterns = 0..platform.patterns.len();
                let allowed: Vec<usize> = patterns
                    .filter(|&pattern| consist.allows(wagon, nth, pattern))
                    .collect();
                let Some(&pattern) = allowed.first() else {
                    continue;
                };
                of_wagon[wagon].push(sites.len());
                sites.push(Site {
                    wagon,
                    platform: nth,
                    pattern,
                    places: vec![EMPTY; platform.patterns[pattern].positions.len()],
                    allowed,
                });
            }
        }
        let is_dangerous = |&unit: &u32| units[unit as usize].dangerous_class.is_some();
        let has_rules = !consist.segregations.is_empty();
        Yard {
            consist,
            units,
            sites,
            homeless: (0..units.len() as u32).collect(),
            wrong: vec![0; of_wagon.len()],
            of_wagon,
            dangerous: (0..units.len() as u32)
                .filter(|unit| has_rules && is_dangerous(unit))
                .collect(),
            wagon_of: vec![usize::MAX; units.len()],
        }
    }

    /// Length of the place.
    pub fn length_dm(&self, site: usize, place: usize) -> i64 {
        self.position(site, place).length_dm
    }

    fn position(&self, site: usize, place: usize) -> &domain::rail::wagons::Position {
        let site = &self.sites[site];
        let platform = &self.consist.type_of(site.wagon).platforms[site.platform];
        &platform.patterns[site.pattern].positions[place]
    }

    /// Could `unit` stand in this place, were it alone?
    pub fn suits(&self, unit: u32, site: usize, place: usize) -> bool {
        let unit = &self.units[unit as usize];
        let position = self.position(site, place);
        unit.length_dm == position.length_dm
            && unit.gross_kg <= position.max_kg
            && unit.profile_code
                <= self
                    .consist
                    .type_of(self.sites[site].wagon)
                    .max_profile_code
    }

    /// Puts `unit` (or [`EMPTY`]) into a place; returns who stood there. The faults of the wagon are stale until
    /// [`Yard::weigh`].
    pub fn put(&mut self, site: usize, place: usize, unit: u32) -> u32 {
        if unit != EMPTY {
            self.wagon_of[unit as usize] = self.sites[site].wagon;
        }
        std::mem::replace(&mut self.sites[site].places[place], unit)
    }

    /// Marks a unit as standing nowhere.
    pub fn evict(&mut self, unit: u32) {
        self.wagon_of[unit as usize] = usize::MAX;
        self.homeless.push(unit);
    }

    /// Changes the pattern of a site; all its units become homeless.
    pub fn repattern(&mut self, site: usize, pattern: usize) {
        for place in 0..self.sites[site].places.len() {
            let unit = self.put(site, place, EMPTY);
            if unit != EMPTY {
                self.evict(unit);
            }
        }
        let (wagon, platform) = (self.sites[site].wagon, self.sites[site].platform);
        let positions =
            &self.consist.type_of(wagon).platforms[platform].patterns[pattern].positions;
        self.sites[site].pattern = pattern;
        self.sites[site].places.clear();
        self.sites[site].places.resize(positions.len(), EMPTY);
    }

    /// Weighs a wagon anew.
    pub fn weigh(&mut self, wagon: usize) {
        let wagon_type = self.consist.type_of(wagon);
        let mut bogies = [0_i64; 8];
        let mut wrong = 0;
        for (nth, platform) in wagon_type.platforms.iter().enumerate() {
            let mine = self.of_wagon[wagon]
                .iter()
                .find(|&&site| self.sites[site].platform == nth);
            let ends = match mine {
                None => bogie::ends_half_kg(platform, []),
                Some(&site) => {
                    let site = &self.sites[site];
                    let positions = &platform.patterns[site.pattern].positions;
                    let loads = site
                        .places
                        .iter()
                        .zip(positions)
                        .filter(|(unit, _)| **unit != EMPTY);
                    bogie::ends_half_kg(
                        platform,
                        loads.map(|(&unit, at)| (self.units[unit as usize].gross_kg, at.offset_dm)),
                    )
                }
            };
            if bogie::is_unbalanced(self.consist, ends) {
                let ratio = self.consist.max_bogie_ratio;
                let over = ends[0].max(ends[1]) - ratio * ends[0].min(ends[1]);
                wrong += over / (2 * ratio.max(1)) + 100;
            }
            for (end, &number) in ends.iter().zip(&platform.bogies) {
                bogies[number % bogies.len()] += end;
            }
        }
        for (number, &load) in bogies.iter().enumerate().take(wagon_type.bogie_axles.len()) {
            let over = load - bogie::limit_half_kg(self.consist, wagon_type, number);
            wrong += if over > 0 { over / 2 + 100 } else { 0 };
        }
        self.wrong[wagon] = wrong;
    }

    /// What is wrong with the whole train, kilograms; 0 for a loading that stands.
    pub fn faults_kg(&self) -> i64 {
        let homeless = self.homeless.len() as i64 * HOMELESS_KG;
        self.wrong.iter().sum::<i64>() + homeless + self.too_near() * TOO_NEAR_KG
    }

    /// What is wrong with one wagon's axles and balance, kilograms.
    pub fn wrong_kg(&self, wagon: usize) -> i64 {
        self.wrong[wagon]
    }

    /// Pairs of dangerous goods that stand too near to each other.
    fn too_near(&self) -> i64 {
        let mut pairs = 0;
        for (nth, &unit) in self.dangerous.iter().enumerate() {
            let wagon = self.wagon_of[unit as usize];
            for &other in &self.dangerous[nth + 1..] {
                let other_wagon = self.wagon_of[other as usize];
                if wagon == usize::MAX || other_wagon == usize::MAX {
                    continue;
                }
                let classes = (
                    &self.units[unit as usize].dangerous_class,
                    &self.units[other as usize].dangerous_class,
                );
                if let (Some(class), Some(other_class)) = classes {
                    let apart = self.consist.apart(class, other_class);
                    pairs += i64::from(
                        apart.is_some_and(|between| wagon.abs_diff(other_wagon) <= between),
                    );
                }
            }
        }
        pairs
    }

    /// The loading, in the order of the units.
    pub fn loading(&self) -> Loading {
        let mut placed = Vec::new();
        for site in &self.sites {
            for (position, &unit) in site
                .places
                .iter()
                .enumerate()
                .filter(|(_, unit)| **unit != EMPTY)
            {
                placed.push((
                    unit,
                    Placed {
                        unit: self.units[unit as usize].id.clone(),
                        wagon: site.wagon,
                        platform: site.platform,
                        pattern: site.pattern,
                        position,
                    },
                ));
            }
        }
        placed.sort_by_key(|(unit, _)| *unit);
        Loading {
            placed: placed.into_iter().map(|(_, placed)| placed).collect(),
        }
    }
}

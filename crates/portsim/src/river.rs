//! The Rhine at Duisburg, roughly: where a kilometre is on the map.

/// Rhine kilometre in metres, latitude and longitude in 1e-7 degrees; from upstream to downstream. Read off by eye.
const COURSE: [(i64, i32, i32); 9] = [
    (760_000, 512_950_000, 67_330_000),
    (766_000, 513_420_000, 67_160_000),
    (771_000, 513_800_000, 67_020_000),
    (776_000, 514_120_000, 67_280_000),
    (781_000, 514_480_000, 67_180_000),
    (787_000, 515_000_000, 67_040_000),
    (793_000, 515_400_000, 66_790_000),
    (801_000, 515_700_000, 66_520_000),
    (815_000, 516_600_000, 66_180_000),
];

/// The stretch that the receivers cover, metres of the Rhine kilometre.
pub(crate) const UPSTREAM_END_M: i64 = COURSE[0].0;
pub(crate) const DOWNSTREAM_END_M: i64 = COURSE[COURSE.len() - 1].0;

/// Latitude and longitude at a Rhine kilometre, 1e-7 degrees.
pub(crate) fn position_e7(river_m: i64) -> (i32, i32) {
    let at_m = river_m.clamp(UPSTREAM_END_M, DOWNSTREAM_END_M);
    for pair in COURSE.windows(2) {
        let ((from_m, from_lat, from_lon), (to_m, to_lat, to_lon)) = (pair[0], pair[1]);
        if at_m <= to_m {
            let part = |from: i32, to: i32| {
                from + (i64::from(to - from) * (at_m - from_m) / (to_m - from_m)) as i32
            };
            return (part(from_lat, to_lat), part(from_lon, to_lon));
        }
    }
    (COURSE[0].1, COURSE[0].2)
}

/// Course over ground when going downstream at this place, tenths of a degree.
pub(crate) fn course_downstream_ddeg(river_m: i64) -> u32 {
    // Taken from the map for each stretch of COURSE, so that no trigonometry is needed.
    const COURSES: [u32; 8] = [3470, 3480, 270, 3500, 3510, 3390, 3310, 3470];
    let stretch = COURSE.windows(2).position(|pair| river_m <= pair[1].0);
    COURSES[stretch.unwrap_or(COURSES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_goes_through_its_points_and_ends_at_its_ends() {
        assert_eq!(position_e7(781_000), (514_480_000, 67_180_000));
        assert_eq!(position_e7(0), (COURSE[0].1, COURSE[0].2));
        assert_eq!(position_e7(900_000), (COURSE[8].1, COURSE[8].2));
        let (lat, _) = position_e7(778_500);
        assert!((514_120_000..514_480_000).contains(&lat));
    }
}

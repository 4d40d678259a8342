//! The Ruhrort gauge: slow, with a trend, and its forecast.

use crate::agenda::Step;
use crate::outbox::Head;
use crate::port::Port;
use crate::quay::GAUGE_STATION;
use crate::random::Random;
use crate::sources::Source;
use crate::time::{HOUR_US, MINUTE_US};
use events::v1::{self, Classifier};

/// The level and where it tends.
#[derive(Debug)]
pub(crate) struct Gauge {
    random: Random,
    level_mm: i64,
    trend_mm_per_h: i64,
}

impl Gauge {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 10);
        let level_mm = random.between(2_450, 3_600);
        let trend_mm_per_h = random.between(-9, 5);
        Gauge {
            random,
            level_mm,
            trend_mm_per_h,
        }
    }

    /// Above the gauge's zero, centimetres.
    pub(crate) fn level_cm(&self) -> i64 {
        self.level_mm / 10
    }

    /// A quarter of an hour passes.
    fn flows(&mut self) {
        self.level_mm += self.trend_mm_per_h / 4 + self.random.bell(4);
        if self.random.percent(3) {
            self.trend_mm_per_h = (self.trend_mm_per_h + self.random.bell(5)).clamp(-25, 30);
        }
        // Between drought and the mark at which traffic stops.
        self.level_mm = self.level_mm.clamp(1_600, 9_000);
    }
}

impl Port {
    pub(crate) fn gauge_reads(&mut self) {
        self.gauge.flows();
        let level_cm = self.gauge.level_cm() as i32;
        let head = Head::act(self.now_us, "");
        self.send(Source::Gauge, head, reading(level_cm));
        self.after(15 * MINUTE_US, Step::GaugeReads);
    }

    /// Every six hours, for the next four days in steps of six hours.
    pub(crate) fn gauge_forecast(&mut self) {
        for step in 1..=16 {
            let ahead_h = step * 6;
            let error_mm = self.gauge.random.bell(ahead_h * 3);
            let level_mm =
                self.gauge.level_mm + self.gauge.trend_mm_per_h * ahead_h * 7 / 10 + error_mm;
            let head = Head::new(self.now_us + ahead_h * HOUR_US, Classifier::Est, "");
            self.send(
                Source::Gauge,
                head,
                reading((level_mm / 10).max(100) as i32),
            );
        }
        self.after(6 * HOUR_US, Step::GaugeForecast);
    }
}

fn reading(level_cm: i32) -> v1::WaterLevel {
    // PEGELONLINE's states: below mean low water, above mean high water, or between.
    let state = match level_cm {
        ..231 => "low",
        231..=900 => "normal",
        _ => "high",
    };
    v1::WaterLevel {
        station: GAUGE_STATION.to_owned(),
        level_cm,
        state_mnw_mhw: state.to_owned(),
        state_nsw_hsw: "normal".to_owned(),
    }
}

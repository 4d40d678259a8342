//! The time by which a row falls into windows.
use crate::v1::Classifier;

/// The row's time in microseconds since 1970: estimates, plans and requests are about the future, so that their time
/// is when they were written and the forecast instant is data; anything else happened at its event time.
pub fn row_time_us(classifier: Classifier, event_time_us: i64, record_time_us: i64) -> i64 {
    match classifier {
        Classifier::Est | Classifier::Pln | Classifier::Req => record_time_us,
        Classifier::Act | Classifier::Unspecified => event_time_us,
    }
}

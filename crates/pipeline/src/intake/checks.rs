//! Numbers with check digits in accepted rows. Public samples carry wrong ones, so that the default is to flag them.

use arrow::array::{Array, AsArray, RecordBatch};
use domain::ids::{ContainerId, ImoNumber, Verdict, WagonNumber};

/// A column that holds numbers with a check digit.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Table.
    pub table: &'static str,
    /// Column; empty values are not checked.
    pub column: &'static str,
    verdict: fn(&str) -> Verdict,
}

/// Every such column. Units of rail bookings may be swap bodies or trailers, which have numbers of other forms, so only a
/// well-formed number with a wrong digit is doubtful.
pub const CHECKS: [Check; 7] = [
    check("equipment_event", "container_id", ContainerId::check),
    check("customs_status", "container_id", ContainerId::check),
    check("move_event", "container_id", ContainerId::check),
    check("reefer_telemetry", "container_id", ContainerId::check),
    check("rail_booking", "unit_id", ContainerId::check),
    check("port_call_timestamp", "vessel_imo", ImoNumber::check),
    check("wagon_status", "wagon_number", WagonNumber::check),
];

const fn check(table: &'static str, column: &'static str, verdict: fn(&str) -> Verdict) -> Check {
    Check {
        table,
        column,
        verdict,
    }
}

/// A row with a doubtful number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// Row in the batch.
    pub row: usize,
    /// What is doubtful and what would be right.
    pub detail: String,
}

/// The rows of `batch`, a batch of `table`, with a wrong check digit.
pub fn doubtful(table: &str, batch: &RecordBatch) -> Vec<Doubtful> {
    let mut found = Vec::new();
    for check in CHECKS.iter().filter(|check| check.table == table) {
        let column = batch
            .column_by_name(check.column)
            .and_then(|column| column.as_string_opt::<i32>());
        let Some(numbers) = column else {
            continue;
        };
        for row in (0..numbers.len()).filter(|&row| !numbers.is_null(row)) {
            let number = numbers.value(row);
            if let Verdict::WrongCheckDigit { expected } = (check.verdict)(number) {
                found.push(Doubtful {
                    row,
                    detail: format!(
                        "{} {number} ends in a wrong check digit, {expected} would be right: correct the number at its source",
                        check.column
                    ),
                });
            }
        }
    }
    found
}

//! Functions and aggregates of an application that embeds the engine: fold sends their partial states, merge ends them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, ColumnarValue, Volatility, create_udaf, create_udf};
use events::v1::cell::Value;
use pipeline::memory::{HandClock, MemoryLog};
use pipeline::settings::Settings;
use pipeline::worker::programs::Programs;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::functions::Functions;
use windows::sql::parse::SqlFile;

use crate::fixture::{port, settings, stats};

const QUERY: &str = "
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(twice(teu_quarters)) AS doubled, sum(teu_quarters) AS teu,
  checksum(CAST(teu_quarters AS BIGINT)) AS checksum, bit_xor(teu_quarters) AS known_checksum
FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
GROUP BY window_start, window_end, terminal_id";

/// `checksum(x)`: all values, bit by bit.
#[derive(Debug, Default)]
struct Checksum(i64);

impl Accumulator for Checksum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Int64Type>().iter().flatten();
        values.for_each(|value| self.0 ^= value);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.evaluate().map(|value| vec![value])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::from(self.0))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

fn functions() -> Functions {
    let long = || DataType::Int64;
    let twice = create_udf(
        "twice",
        vec![long()],
        long(),
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| {
            let values = ColumnarValue::values_to_arrays(arguments)?.remove(0);
            let doubled = values
                .as_primitive::<Int64Type>()
                .unary::<_, Int64Type>(|value| 2 * value);
            Ok(ColumnarValue::Array(Arc::new(doubled)))
        }),
    );
    let checksum = create_udaf(
        "checksum",
        vec![long()],
        Arc::new(long()),
        Volatility::Immutable,
        Arc::new(|_| Ok(Box::<Checksum>::default())),
        Arc::new(vec![long()]),
    );
    let mut functions = Functions::default();
    functions.scalars.push(twice);
    functions.aggregates.push(checksum);
    functions
}

fn run(log: &MemoryLog, settings: Settings) {
    let clock = Arc::new(HandClock::default());
    let shared = Shared {
        programs: Programs::with(functions()),
        ..Shared::new(settings, clock.clone(), Stop::default())
    };
    let inputs = shared.settings.inputs.iter();
    let inputs: Vec<Arc<str>> = inputs.map(|input| Arc::clone(&input.topic)).collect();
    let (source, sink) = log.join("fold", None, &inputs, 50);
    let mut fold = FoldWorker::new(shared.clone(), source, sink).expect("fold starts");
    let partials = [Arc::clone(&shared.settings.topics.partials)];
    let (source, sink) = log.join("merge", None, &partials, 64);
    let mut merge = MergeWorker::new(shared, source, sink);
    let (mut folded, mut merged) = (false, false);
    for _ in 0..100_000 {
        clock.advance(std::time::Duration::from_millis(50));
        folded =
            folded || fold.turn(std::time::Duration::ZERO).expect("fold goes on") == Turn::Done;
        merged = merged
            || merge
                .turn(std::time::Duration::ZERO)
                .expect("merge goes on")
                == Turn::Done;
        if folded && merged {
            return;
        }
    }
    panic!("no end");
}

#[test]
fn an_application_brings_functions_and_aggregates_of_its_own() {
    let settings = Settings {
        queries: vec![SqlFile::new("own", QUERY)],
        ..settings(2, 2)
    };
    let (log, _) = port(3, 2, 3_000, &settings);
    run(&log, settings);
    let stats = stats(&log);
    assert!(stats.len() > 10, "{stats:?}");
    let mut seen = 0;
    for stat in stats {
        let number = |name: &str| {
            let cell = stat.cells.iter().find(|cell| cell.name == name);
            match cell.and_then(|cell| cell.value.as_ref()) {
                Some(Value::Integer(number)) => *number,
                other => panic!("{name}: {other:?}"),
            }
        };
        assert_eq!(number("doubled"), 2 * number("teu"), "{stat:?}");
        assert_eq!(number("checksum"), number("known_checksum"), "{stat:?}");
        seen |= number("checksum");
    }
    assert!(seen > 0, "all moves are alike");
}

//! Rows as text: a line of column names, then a line a row, cells between bars. Instants are `10:05`, `10:05:30`, with
//! `2d` in front for the third day; `-` is NULL; what is not named is the protobuf default.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{
    DataType, Field, Float64Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use windows::program::Streams;

/// 2026-03-02T00:00:00Z.
pub const DAY_US: i64 = 1_772_409_600_000_000;

/// Every stream that a pipeline has.
pub fn streams() -> Streams {
    let tables = events::schema::tables().iter();
    tables
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)))
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

/// `2d10:05:30` in microseconds.
pub fn instant_us(text: &str) -> i64 {
    let (days, time) = text.split_once('d').unwrap_or(("0", text));
    let mut parts = time.split(':').map(|part| part.parse::<i64>().expect(text));
    let (hours, minutes) = (parts.next().expect(text), parts.next().expect(text));
    let seconds = parts.next().unwrap_or(0);
    let days: i64 = days.parse().expect(text);
    DAY_US + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000
}

/// Microseconds as [`instant_us`] reads them.
pub fn instant_text(instant_us: i64) -> String {
    let seconds = (instant_us - DAY_US).div_euclid(1_000_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    let day = if days == 0 {
        String::new()
    } else {
        format!("{days}d")
    };
    let second = if seconds == 0 {
        String::new()
    } else {
        format!(":{seconds:02}")
    };
    format!("{day}{hours:02}:{minutes:02}{second}")
}

fn column(field: &Field, cells: &[Option<&str>], times: &[&str], table: &str) -> ArrayRef {
    if cells.iter().all(Option::is_none) && field.is_nullable() {
        return new_null_array(field.data_type(), cells.len());
    }
    let is_null = |cell: &Option<&str>| match cell {
        Some(cell) => *cell == "-",
        None => field.is_nullable(),
    };
    match field.data_type() {
        DataType::Utf8 => {
            let values = cells.iter().enumerate().map(|(row, cell)| match cell {
                cell if is_null(cell) => None,
                Some("''") => Some(String::new()),
                Some(cell) => Some((*cell).to_owned()),
                None if field.name() == "event_id" => Some(format!("{table}-{}-{row}", times[row])),
                None => Some(String::new()),
            });
            Arc::new(values.collect::<StringArray>())
        }
        DataType::Int64 => Arc::new(
            cells
                .iter()
                .map(|cell| {
                    (!is_null(cell)).then(|| cell.map_or(0, |cell| cell.parse().expect(cell)))
                })
                .collect::<Int64Array>(),
        ),
        DataType::Int32 => Arc::new(Int32Array::from(vec![0; cells.len()])),
        DataType::Boolean => Arc::new(
            cells
                .iter()
                .map(|cell| (!is_null(cell)).then(|| *cell == Some("true")))
                .collect::<BooleanArray>(),
        ),
        DataType::Timestamp(..) => {
            let is_of_row =
                ["row_time", "event_time", "record_time"].contains(&field.name().as_str());
            let values = cells.iter().zip(times).map(|(cell, time)| match cell {
                cell if is_null(cell) => None,
                Some(cell) => Some(instant_us(cell)),
                None if is_of_row => Some(instant_us(time)),
                None => Some(0),
            });
            Arc::new(
                values
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        }
        DataType::List(item) => {
            let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
            if *item.data_type() != DataType::Utf8 {
                return new_null_array(field.data_type(), cells.len());
            }
            for _ in cells {
                builder.append(true);
            }
            Arc::new(builder.finish())
        }
        other => panic!("no text form for {} of type {other}", field.name()),
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.split('|').map(str::trim).collect()
}

/// The rows of one stream.
pub fn rows(table: &str, schema: &SchemaRef, lines: &[&str]) -> RecordBatch {
    let names = cells(lines[0]);
    for name in &names {
        schema
            .field_with_name(name)
            .unwrap_or_else(|_| panic!("{table} has no column {name}"));
    }
    let body: Vec<Vec<&str>> = lines[1..].iter().map(|line| cells(line)).collect();
    for (row, line) in body.iter().zip(&lines[1..]) {
        assert_eq!(row.len(), names.len(), "cells of `{line}` under {names:?}");
    }
    let place = names
        .iter()
        .position(|name| *name == "row_time")
        .expect("row_time");
    let times: Vec<&str> = body.iter().map(|row| row[place]).collect();
    let columns = schema.fields().iter().map(|field| {
        let at = names.iter().position(|name| name == field.name());
        let cells: Vec<Option<&str>> = body.iter().map(|row| at.map(|at| row[at])).collect();
        column(field, &cells, &times, table)
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect(table)
}

/// Blocks of `stream NAME`, a header and rows.
pub fn input(text: &str) -> BTreeMap<String, RecordBatch> {
    let streams = streams();
    let mut blocks: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        match line.strip_prefix("stream ") {
            Some(name) => blocks.push((name.trim(), Vec::new())),
            None => blocks
                .last_mut()
                .expect("a line `stream NAME` first")
                .1
                .push(line),
        }
    }
    let read = |(name, lines): (&str, Vec<&str>)| {
        let schema = streams
            .get(name)
            .unwrap_or_else(|| panic!("no stream {name}"));
        (name.to_owned(), rows(name, schema, &lines))
    };
    blocks.into_iter().map(read).collect()
}

/// One cell.
pub fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    match column.data_type() {
        DataType::Utf8 => match column.as_string::<i32>().value(row) {
            "" => "''".to_owned(),
            text => text.to_owned(),
        },
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Timestamp(..) => {
            instant_text(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Float64 => {
            let column: &Float64Array = column.as_primitive::<Float64Type>();
            column.value(row).to_string()
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            let items: Vec<String> = (0..list.len()).map(|item| cell(&list, item)).collect();
            format!("[{}]", items.join(" "))
        }
        _ => arrow::util::display::array_value_to_string(column, row).expect("printable"),
    }
}

/// A batch as text, sorted, cells between bars.
pub fn shown(batch: &RecordBatch) -> Vec<String> {
    let sorted = windows::bounded::sorted(batch).expect("sortable");
    (0..sorted.num_rows())
        .map(|row| {
            let cells = sorted.columns().iter().map(|column| cell(column, row));
            cells.collect::<Vec<_>>().join(" | ")
        })
        .collect()
}

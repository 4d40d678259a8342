//! Record batches between the stages: Arrow IPC streams, without what slices and views drag along.
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

/// Buffers start at multiples of this: the readers need no more, and batches between the stages are small.
const ALIGNMENT_BYTES: usize = 8;

/// Batches as the bytes of one Arrow IPC stream. Only what the rows hold is written: slices are cut out, views are
/// gathered, dictionaries larger than their rows are made anew.
///
/// # Errors
/// If a batch has another schema, or Arrow cannot write one of its types.
pub fn write(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::try_new(ALIGNMENT_BYTES, false, MetadataVersion::V5)?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), schema, options)?;
    for batch in batches {
        if batch.schema_ref().fields() != schema.fields() {
            return Err(ArrowError::SchemaError(
                "the batches of one stream must have one schema".to_owned(),
            ));
        }
        let columns = batch
            .columns()
            .iter()
            .map(compact)
            .collect::<Result<Vec<_>, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        writer.write(&RecordBatch::try_new_with_options(
            batch.schema(),
            columns,
            &rows,
        )?)?;
    }
    writer.finish()?;
    writer.into_inner()
}

/// The batches of an Arrow IPC stream. They share the bytes where their alignment allows.
///
/// # Errors
/// If the bytes are not a whole Arrow IPC stream.
pub fn read(ipc: Vec<u8>) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut buffer = ipc.into();
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while let Some(batch) = decoder.decode(&mut buffer)? {
        batches.push(batch);
    }
    decoder.finish()?;
    Ok(batches)
}

/// The array without the parts of its buffers that no row uses.
fn compact(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        DataType::Dictionary(_, value)
            if array.as_any_dictionary().values().len() > array.len() =>
        {
            cast(&cast(array, value)?, array.data_type())?
        }
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let (first, last) = (offsets[0], offsets[list.len()]);
            let values = compact(&list.values().slice(first as usize, (last - first) as usize))?;
            let offsets = offsets
                .iter()
                .map(|offset| offset - first)
                .collect::<Vec<i32>>();
            let offsets = OffsetBuffer::new(offsets.into());
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                offsets,
                values,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) if !fields.is_empty() => {
            let parts = array.as_struct();
            let columns = parts
                .columns()
                .iter()
                .map(compact)
                .collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(
                fields.clone(),
                columns,
                parts.nulls().cloned(),
            )?)
        }
        _ => ArrayRef::clone(array),
    })
}

#[cfg(test)]
#[path = "ipc_tests.rs"]
mod tests;

//! Which columns are needed.
use std::collections::BTreeMap;

use crate::schema::{SchemaError, TableId, table, tables};

/// The columns that are needed, by table. Rows of a table that is not in it are headed (checked and counted), but not
/// kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// Column indices of each table, ascending.
    columns: BTreeMap<TableId, Vec<usize>>,
}

impl Projection {
    /// No table.
    pub fn none() -> Projection {
        Projection::default()
    }

    /// All columns of all tables.
    pub fn all() -> Projection {
        let all = tables()
            .iter()
            .map(|table| (table.id, (0..table.columns.len()).collect()));
        Projection {
            columns: all.collect(),
        }
    }

    /// Adds columns of a table, by name. Without a column the table's rows are counted alone.
    ///
    /// # Errors
    /// If there is no such table or column.
    pub fn add(&mut self, table_name: &str, columns: &[&str]) -> Result<(), SchemaError> {
        let table = table(table_name).ok_or_else(|| SchemaError::NoTable {
            table: table_name.to_owned(),
        })?;
        let mut indices = Vec::with_capacity(columns.len());
        for column in columns {
            let no_column = || SchemaError::NoColumn {
                table: table_name.to_owned(),
                column: (*column).to_owned(),
            };
            indices.push(table.column_index(column).ok_or_else(no_column)?);
        }
        self.add_indices(table.id, indices);
        Ok(())
    }

    /// Adds columns of a table, by index into its schema. Indices beyond the schema are left out.
    pub fn add_indices(&mut self, table: TableId, columns: impl IntoIterator<Item = usize>) {
        let count = table.table().columns.len();
        let kept = self.columns.entry(table).or_default();
        kept.extend(columns.into_iter().filter(|&column| column < count));
        kept.sort_unstable();
        kept.dedup();
    }

    /// The column indices of a table, ascending; `None` if nobody needs the table.
    pub fn columns(&self, table: TableId) -> Option<&[usize]> {
        self.columns.get(&table).map(Vec::as_slice)
    }
}

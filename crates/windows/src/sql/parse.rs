//! One SQL file, one statement, one of three kinds.

use std::collections::BTreeSet;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, Insert, Query, SelectItem, SetExpr, Spanned, Statement as SqlStatement, TableConstraint,
    TableObject,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::exact::make_exact;
use super::inputs::name_inputs;
use crate::error::Fault;

/// A query file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// File name without folder and ending: the name of the query.
    pub name: String,
    /// The SQL.
    pub text: String,
    /// The sources that it waits for; all of them if none is named. They are part of what it is: with others it tells its
    /// windows at other times.
    pub waits_for: BTreeSet<String>,
}

impl SqlFile {
    /// A file of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        SqlFile {
            name: name.into(),
            text: text.into(),
            waits_for: BTreeSet::new(),
        }
    }

    /// Name with the ending, for messages.
    pub fn path(&self) -> String {
        format!("{}.sql", self.name)
    }
}

/// What a file asks for.
pub enum Definition {
    /// `CREATE TABLE name (PRIMARY KEY (...)) AS SELECT ...`: the newest row of each key.
    Table {
        /// Name in SQL.
        name: String,
        /// Columns of the key.
        key: Vec<String>,
        /// The rows.
        select: Statement,
    },
    /// `INSERT INTO sink SELECT ... FROM TUMBLE(...)`: rows that leave the engine.
    Insert {
        /// Name of the sink.
        sink: String,
        /// The rows.
        select: Statement,
    },
    /// `SELECT ...` over tables: read by a planner at its ticks.
    Snapshot {
        /// The rows.
        select: Statement,
    },
}

/// Columns that every table row carries so that two versions of a key are ordered alike on every machine.
pub const HIDDEN: [(&str, &str); 2] =
    [("record_time", "__record_time"), ("event_id", "__event_id")];

/// Reads a file.
pub fn parse(file: &SqlFile) -> Result<Definition, Fault> {
    let fault = |message: String, hint: &str| Fault::new(file.path(), message, hint);
    let mut statements = DFParser::parse_sql(&file.text)
        .map_err(|error| Fault::from_datafusion(&file.path(), &error))?;
    if statements.len() > 1 {
        return Err(fault(
            format!("{} statements in one file", statements.len()),
            "one statement a file: split it",
        ));
    }
    let Some(Statement::Statement(statement)) = statements.pop_front() else {
        return Err(fault(
            "no query in this file".to_owned(),
            "write INSERT INTO sink SELECT ..., CREATE TABLE name (PRIMARY KEY (...)) AS SELECT ..., or SELECT ...",
        ));
    };
    let exact = |mut query: Query| {
        make_exact(&file.path(), &mut query)?;
        name_inputs(&mut query);
        Ok(query)
    };
    match *statement {
        SqlStatement::Query(query) => Ok(Definition::Snapshot {
            select: as_statement(exact(*query)?),
        }),
        SqlStatement::Insert(Insert {
            table: TableObject::TableName(sink),
            source: Some(query),
            ..
        }) => Ok(Definition::Insert {
            sink: sink.to_string().to_lowercase(),
            select: as_statement(exact(*query)?),
        }),
        SqlStatement::CreateTable(create) => {
            let at = create.name.span().start;
            let key = create.constraints.iter().find_map(primary_key);
            let (Some(key), Some(query)) = (key, create.query) else {
                return Err(Fault {
                    at: Some((at.line, at.column)),
                    ..fault(
                        format!("table {} has no primary key or no SELECT", create.name),
                        "write CREATE TABLE name (PRIMARY KEY (a, b)) AS SELECT a, b, ... FROM stream",
                    )
                });
            };
            let select = with_hidden_columns(exact(*query)?).map_err(|message| {
                fault(
                    message,
                    "a table takes SELECT columns FROM one stream, perhaps with WHERE",
                )
            })?;
            Ok(Definition::Table {
                name: create.name.to_string().to_lowercase(),
                key,
                select: as_statement(select),
            })
        }
        other => Err(fault(
            format!(
                "`{}` is not something a query file can do",
                first_words(&other.to_string())
            ),
            "write INSERT INTO sink SELECT ..., CREATE TABLE ... AS SELECT ..., or SELECT ...",
        )),
    }
}

fn as_statement(query: Query) -> Statement {
    Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))))
}

fn first_words(text: &str) -> String {
    text.split_whitespace()
        .take(4)
        .collect::<Vec<_>>()
        .join(" ")
}

fn primary_key(constraint: &TableConstraint) -> Option<Vec<String>> {
    let TableConstraint::PrimaryKey(key) = constraint else {
        return None;
    };
    key.columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(name) => Some(name.value.to_lowercase()),
            _ => None,
        })
        .collect()
}

fn with_hidden_columns(mut query: Query) -> Result<Query, String> {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err("a table's query is not a plain SELECT".to_owned());
    };
    let mut items = Vec::new();
    if !select
        .projection
        .iter()
        .any(|item| item.to_string() == "row_time")
    {
        items.push("row_time".to_owned());
    }
    items.extend(
        HIDDEN
            .iter()
            .map(|(column, name)| format!("{column} AS {name}")),
    );
    for item in items {
        select.projection.push(select_item(&item)?);
    }
    Ok(query)
}

fn select_item(text: &str) -> Result<SelectItem, String> {
    Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_select_item())
        .map_err(|error| error.to_string())
}

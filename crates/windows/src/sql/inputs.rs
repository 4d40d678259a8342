//! Makes the stream named in a window call visible to DataFusion, which looks for tables in FROM clauses and sub-queries
//! alone: `TUMBLE(t, ...)` becomes `TUMBLE((SELECT * FROM t), ...)`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, SetExpr, TableFactor, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Rewrites every window call of `query` over a bare name.
pub fn name_inputs(query: &mut Query) {
    let _ = query.visit(&mut Inputs);
}

struct Inputs;

impl VisitorMut for Inputs {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            args: Some(arguments),
            ..
        } = factor
            && super::call::is_window(&name.to_string())
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(input))) =
                arguments.args.first_mut()
            && let Expr::Identifier(stream) = input
            && let Some(rows) = all_of(stream)
        {
            *input = Expr::Subquery(Box::new(rows));
        }
        ControlFlow::Continue(())
    }
}

/// `SELECT * FROM stream`, with the name standing where it stood.
fn all_of(stream: &Ident) -> Option<Query> {
    let mut parser = Parser::new(&GenericDialect {})
        .try_with_sql("SELECT * FROM t")
        .ok()?;
    let mut query = *parser.parse_query().ok()?;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    if let TableFactor::Table { name, .. } = &mut select.from.first_mut()?.relation {
        *name = ObjectName::from(vec![stream.clone()]);
    }
    Some(query)
}

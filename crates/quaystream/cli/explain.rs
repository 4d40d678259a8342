//! `quaystream explain`: what each query does where.

use windows::program::Program;

use super::{CliError, ConfigArgs, print};

pub(super) fn explain(args: &ConfigArgs) -> Result<(), CliError> {
    let config = args.load()?;
    let program = Program::compile(&config.engine.files(), &pipeline::fold::streams())
        .map_err(CliError::Queries)?;
    print(program.explain());
    Ok(())
}

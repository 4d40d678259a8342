//! Plans made once a process: planning all queries takes longer than a restart of a worker's state may.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use windows::program::{MergeKey, Program};
use windows::sql::functions::Functions;

use crate::error::EngineError;
use crate::fold::streams;
use crate::partials::PORT_PARTITION;
use crate::settings::Settings;

/// What a program is cut down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Portion {
    /// Everything.
    Whole,
    /// Queries that are joined by terminal alone.
    Terminal,
}

impl Portion {
    /// What a partition of merge runs.
    pub fn of(partition: i32) -> Self {
        match partition {
            PORT_PARTITION => Portion::Whole,
            _ => Portion::Terminal,
        }
    }
}

type Shelf = BTreeMap<Portion, Vec<Arc<Program>>>;

/// The programs of a process. Clones share them.
#[derive(Clone, Default)]
pub struct Programs {
    functions: Arc<Functions>,
    shelf: Arc<Mutex<Shelf>>,
}

impl std::fmt::Debug for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Programs").finish_non_exhaustive()
    }
}

impl Programs {
    /// None yet; queries may call these functions. For applications that embed the engine: put it into
    /// [`super::Shared::programs`], and begin with `Functions::default()`, since shipped queries call what is there.
    pub fn with(functions: Functions) -> Self {
        Programs {
            functions: Arc::new(functions),
            shelf: Arc::default(),
        }
    }

    /// A program of one's own.
    pub fn compile(&self, settings: &Settings) -> Result<Program, EngineError> {
        Program::compile_with(&settings.files(), &streams(), &self.functions)
            .map_err(EngineError::Queries)
    }

    /// A program that nobody uses, made if there is none.
    pub fn take(&self, portion: Portion, settings: &Settings) -> Result<Arc<Program>, EngineError> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let programs = shelf.entry(portion).or_default();
        if let Some(free) = programs
            .iter()
            .find(|program| Arc::strong_count(program) == 1)
        {
            return Ok(Arc::clone(free));
        }
        let mut program = self.compile(settings)?;
        if portion == Portion::Terminal {
            program
                .queries
                .retain(|query| query.merge_key == MergeKey::Terminal);
            program.tables.clear();
            program.snapshots.clear();
        }
        let program = Arc::new(program);
        programs.push(Arc::clone(&program));
        Ok(program)
    }
}

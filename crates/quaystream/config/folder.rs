//! A pipeline's folder of SQL files: `tables/`, `queries/`, `planners/berths/`, `planners/rail/`. Tables and queries are
//! named after their files, planners' inputs after folder and file ("berths/locks"): both planners have locks.

use std::path::Path;

use windows::error::Fault;
use windows::sql::parse::SqlFile;

/// Path within the folder, and text, of every shipped file.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pipeline.rs"));

/// The shipped pipeline's folder, as the shipped configuration names it.
const SHIPPED_FOLDER: &str = "pipelines/duisburg";

/// The SQL files of a pipeline, by what they are for.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// Tables, then windowed queries.
    pub queries: Vec<SqlFile>,
    /// Inputs of the berth planner.
    pub berths: Vec<SqlFile>,
    /// Inputs of the rail planner.
    pub rail: Vec<SqlFile>,
}

impl Folder {
    /// The pipeline of the Port of Duisburg, as shipped.
    pub fn shipped() -> Self {
        let mut folder = Folder::default();
        for part in ["tables", "queries", "planners/berths", "planners/rail"] {
            for (path, text) in SHIPPED {
                if let Some((inside, file)) = path.rsplit_once('/')
                    && inside == part
                    && let Some(name) = file.strip_suffix(".sql")
                {
                    folder.add(part, SqlFile::new(name, *text));
                }
            }
        }
        folder
    }

    /// Reads the folder `named` below `base`. The shipped pipeline is in the program too: it needs no folder.
    pub fn open(base: &Path, named: &str) -> Result<Self, Vec<Fault>> {
        let path = base.join(named);
        match named == SHIPPED_FOLDER && !path.exists() {
            true => Ok(Folder::shipped()),
            false => Folder::read(&path),
        }
    }

    /// Reads a folder. Files come in the order of their names.
    pub fn read(path: &Path) -> Result<Self, Vec<Fault>> {
        let mut folder = Folder::default();
        let mut faults = Vec::new();
        for part in ["tables", "queries", "planners/berths", "planners/rail"] {
            let inside = path.join(part);
            if !inside.is_dir() {
                continue;
            }
            match sql_files(&inside) {
                Ok(files) => files.into_iter().for_each(|file| folder.add(part, file)),
                Err(fault) => faults.push(fault),
            }
        }
        if folder.queries.is_empty() && faults.is_empty() {
            faults.push(Fault::new(
                path.display().to_string(),
                "holds no query",
                "a pipeline's folder has tables/*.sql and queries/*.sql; see deploy/pipelines/duisburg",
            ));
        }
        if faults.is_empty() {
            Ok(folder)
        } else {
            Err(faults)
        }
    }

    fn add(&mut self, part: &str, file: SqlFile) {
        let inside =
            |planner: &str| SqlFile::new(format!("{planner}/{}", file.name), file.text.as_str());
        match part {
            "planners/berths" => self.berths.push(inside("berths")),
            "planners/rail" => self.rail.push(inside("rail")),
            _ => self.queries.push(file),
        }
    }
}

fn sql_files(folder: &Path) -> Result<Vec<SqlFile>, Fault> {
    let fault = |path: &Path, error: std::io::Error| {
        Fault::new(
            path.display().to_string(),
            format!("cannot be read: {error}"),
            "check the path and its permissions",
        )
    };
    let entries =
        std::fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut paths: Vec<_> = entries
        .map_err(|error| fault(folder, error))?
        .iter()
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.extension().is_some_and(|ending| ending == "sql") {
            let text = std::fs::read_to_string(&path).map_err(|error| fault(&path, error))?;
            let name = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
            files.push(SqlFile::new(name, text));
        }
    }
    Ok(files)
}

//! The command line of Quaystream; all of it is in the library.

fn main() -> std::process::ExitCode {
    quaystream::cli::main()
}

//! The command line. `quittance --help` says what there is.

use std::process::ExitCode;

fn main() -> ExitCode {
    quittance::cli::main()
}

//! The `offline` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    offline_cli::main()
}

//! The program that `cargo xtask crash` kills, starves and cuts the power of: it stores content that follows from a
//! number, tells what was acknowledged, and compares a store with what was told.
#![expect(
    clippy::print_stderr,
    reason = "what is wrong goes to whoever runs the crash tests"
)]

mod beside;
mod check;
mod content;
mod full;
mod relaxed;
mod tell;
mod write;

use std::process::ExitCode;

use asset_store::{Durability, Store};

/// What went wrong, in words.
type Result<T = ()> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        ["create", root] => Store::open(root).map(drop).map_err(tell::error),
        ["write", root, name, count, depth] => {
            write::run(root, name, count, depth, Durability::Durable)
        }
        ["write-relaxed", root, name, count, depth] => {
            write::run(root, name, count, depth, Durability::Relaxed)
        }
        ["full", root] => full::run(root),
        ["check", root, told] => check::run(root, told),
        ["check-relaxed", root, told] => relaxed::run(root, told),
        ["read", root] => beside::read(root),
        ["collect", root] => beside::collect(root),
        _ => Err("this program is for `cargo xtask crash`".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

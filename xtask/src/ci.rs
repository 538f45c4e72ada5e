//! `cargo xtask ci`: the only gate.

use std::fs;
use std::process::Command;
use std::time::Instant;

use clap::Args;

use crate::crash;
use crate::demo;
use crate::publish;
use crate::run::{self, Result, say};

/// Options of `ci`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "NAME")]
    step: Vec<String>,

    /// A check that had to be skipped is an error
    #[arg(long)]
    strict: bool,
}

/// Programs without which tests skip something, and what that is.
const PROGRAMS: &[(&str, &str)] = &[
    ("ffmpeg", "real streams, played back frame by frame"),
    (
        "chromium",
        "the page of the local server, in a real browser",
    ),
    ("node", "the same: it drives the browser"),
    ("tmux", "lines of progress and Ctrl-C, in a real terminal"),
    ("c++", "the fuzz targets, which link a fuzzer written in it"),
];

struct Step {
    name: &'static str,
    run: fn(&Options) -> Result,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        run: |_| run::status(run::cargo().args(["fmt", "--all", "--", "--check"])),
    },
    Step {
        name: "tidy",
        run: |_| crate::tidy::run(),
    },
    Step {
        name: "deny",
        run: |_| publish::deny(&publish::DenyOptions { offline: true }),
    },
    Step {
        name: "clippy",
        run: |_| {
            run::status(run::cargo().args([
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ]))
        },
    },
    Step {
        name: "test",
        run: test,
    },
    Step {
        name: "features",
        run: |_| features(),
    },
    Step {
        name: "doctest",
        run: |_| {
            run::status(run::cargo().args([
                "test",
                "--locked",
                "--workspace",
                "--doc",
                "--all-features",
            ]))
        },
    },
    Step {
        name: "examples",
        run: |_| examples(),
    },
    Step {
        name: "gen",
        run: |_| crate::generate::run(&crate::generate::Options { check: true }),
    },
    Step {
        name: "crash",
        run: |_| crash::run(&crash::Options::short()),
    },
    Step {
        name: "fuzz",
        run: |_| crate::fuzz::check(),
    },
    Step {
        name: "demo",
        run: |_| demo::run(&demo::Options { once: true }),
    },
    Step {
        name: "package",
        run: |_| publish::package(&publish::PackageOptions { build: false }),
    },
    Step {
        name: "doc",
        run: |_| {
            run::status(
                run::cargo()
                    .args([
                        "doc",
                        "--locked",
                        "--workspace",
                        "--no-deps",
                        "--all-features",
                    ])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        },
    },
];

pub(crate) fn run(options: &Options) -> Result {
    if let Some(unknown) = options
        .step
        .iter()
        .find(|name| !STEPS.iter().any(|step| step.name == **name))
    {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!(
            "no step `{unknown}`; there are {}",
            names.join(", ")
        ));
    }
    let chosen = STEPS.iter().filter(|step| {
        options.step.is_empty() || options.step.iter().any(|name| name == step.name)
    });
    let mut times = Vec::new();
    for step in chosen {
        say(&format!("== {}", step.name));
        let started = Instant::now();
        let done = (step.run)(options);
        times.push(format!(
            "{:<10}{:>7.1} s",
            step.name,
            started.elapsed().as_secs_f64()
        ));
        if let Err(error) = done {
            say(&times.join("\n"));
            let strict = if options.strict { " --strict" } else { "" };
            return Err(format!(
                "{error}\nrepeat it with: cargo xtask ci --step {}{strict}",
                step.name
            ));
        }
    }
    say("== all steps passed");
    say(&times.join("\n"));
    for (program, what) in missing() {
        say(&format!("skipped: {what} ({program} is not installed)"));
    }
    Ok(())
}

fn missing() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PROGRAMS.iter().filter(|(program, _)| !run::has(program))
}

fn test(options: &Options) -> Result {
    if options.strict
        && let Some((program, what)) = missing().next()
    {
        return Err(format!(
            "{program} is not installed, so this would be skipped: {what}"
        ));
    }
    let mut cargo = run::cargo();
    cargo.args([
        "test",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
    ]);
    if options.strict {
        // Tests that lack a program fail instead of skipping.
        cargo.env("OFFLINE_TEST_STRICT", "1");
    }
    run::status(&mut cargo)
}

/// Tests the crates that have features without any, and with each alone: what one lacks, another may bring.
fn features() -> Result {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(run::root())
        .no_deps()
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    for package in metadata.workspace_packages() {
        if package.features.is_empty() {
            continue;
        }
        // What only fuzz targets call changes nothing that tests could tell; that it builds is enough.
        let is_for_fuzzing = package.features.keys().all(|feature| feature == "fuzzing");
        let verb = if is_for_fuzzing { "check" } else { "test" };
        for feature in std::iter::once("").chain(package.features.keys().map(String::as_str)) {
            let mut cargo = run::cargo();
            cargo.args([
                verb,
                "--locked",
                "--quiet",
                "--lib",
                "--tests",
                "--examples",
            ]);
            cargo.args(["--package", package.name.as_str(), "--features", feature]);
            run::status(&mut cargo)
                .map_err(|error| format!("{error}, with the feature \"{feature}\""))?;
        }
    }
    Ok(())
}

/// Runs every example, the ones that want a network against a small stream on this machine.
fn examples() -> Result {
    run::status(run::cargo().args([
        "build",
        "--locked",
        "--workspace",
        "--examples",
        "--all-features",
    ]))?;
    let target = run::target_directory()?;
    let (built, folder) = (
        target.join("debug").join("examples"),
        target.join("examples"),
    );
    let _ = fs::remove_dir_all(&folder);
    let stream = folder.join("stream");
    fs::create_dir_all(&stream).map_err(|error| format!("{}: {error}", stream.display()))?;
    let playlist = demo::stream::silence(&stream)?;
    let origin = demo::origin::Origin::start(&stream)?;
    let url = |name: &str| format!("{}/{name}", origin.url());
    let path = |name: &str| folder.join(name).display().to_string();
    let file = stream.join(playlist).display().to_string();
    let segment = stream.join("segment000.aac").display().to_string();
    for (example, arguments) in [
        ("summarize", vec![file]),
        (
            "fetch",
            vec![
                url("segment000.aac"),
                url("segment001.aac"),
                path("fetched"),
            ],
        ),
        ("keep", vec![path("store"), segment.clone()]),
        ("plan", vec![]),
        ("inspect", vec![]),
        ("examine", vec![segment]),
        ("application", vec![url(playlist), path("kept")]),
    ] {
        let program = built.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
        run::status(Command::new(program).args(arguments))
            .map_err(|error| format!("example {example}: {error}"))?;
    }
    origin.stop();
    Ok(())
}

//! What the tool says, word for word: help, tables, errors and JSON, in `snapshots/`.
//!
//! `cargo xtask gen` writes them anew where words have changed; what it changed is read in the diff.

use segment_fetch::testing::{Fault, Origin, Resource};

use crate::commands::multivariant;
use crate::environment::{Environment, Said, said};

/// Compares with the snapshot of this name.
fn assert_said(name: &str, said: &Said) {
    let mut text = said.stdout.clone();
    if !said.stderr.is_empty() {
        text.push_str("-- standard error --\n");
        text.push_str(&said.stderr);
    }
    text.push_str(&format!("-- exit code {} --\n", said.code));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // What differs from one run or machine to the next.
    for (pattern, replacement) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"/[^ \n]*/\.tmp[A-Za-z0-9]+", "FOLDER"),
        (r"\d+(\.\d+)? [kMGT]?B free", "SIZE free"),
        (r"\d+(\.\d+)? [kMGT]?B are free", "SIZE are free"),
        (r#""free": \d+"#, r#""free": BYTES"#),
        (r"stored (just now|\d+ [a-z]+ ago)", "stored just now"),
        (r"\b1[6-9]\d{8}\b", "SECONDS"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "DATE"),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The same of JSON, one value a line, which is how a change is read.
fn assert_json(name: &str, mut said: Said) {
    said.stdout = format!("{:#}\n", said.json());
    assert_said(name, &said);
}

/// Runs the tool on a terminal of 80 columns that is none.
fn run(environment: &Environment, arguments: &[&str]) -> Said {
    let mut command = environment.command();
    command.env("COLUMNS", "80").env("LC_ALL", "C.UTF-8");
    command.env_remove("CLICOLOR_FORCE");
    said(&command.args(arguments).output().unwrap())
}

#[test]
fn help() {
    let environment = Environment::new();
    let top = run(&environment, &["--help"]).fine();
    let commands: Vec<String> = top
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What a long description goes on with is set in further than names are.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    assert_said("help", &top);
    for command in commands.iter().filter(|command| *command != "help") {
        assert_said(
            &format!("help-{command}"),
            &run(&environment, &[command, "--help"]).fine(),
        );
    }
}

/// A store with an asset of two qualities, and one that failed in the middle.
fn stored() -> (Environment, Origin) {
    let environment = Environment::new();
    let whole = multivariant();
    let url = whole.url("/master.m3u8").to_string();
    let film = ["--id", "film", "--title", "The Film", "--all-variants"];
    environment
        .run([&["download", &url, "--audio", "en,de"], &film[..]].concat())
        .fine();
    let origin = multivariant();
    origin.site().always("/v360/1.ts", Fault::Status(404));
    let url = origin.url("/master.m3u8").to_string();
    let broken = [
        "--id",
        "broken",
        "--title",
        "映画 Ω",
        "--variant",
        "height<=360",
    ];
    environment
        .run([&["download", &url][..], &broken].concat())
        .code_is(4);
    (environment, origin)
}

#[test]
fn tables() {
    let (environment, _origin) = stored();
    for (name, arguments) in [
        ("list", &["list"][..]),
        ("inspect", &["inspect", "film"]),
        ("inspect-failed", &["inspect", "broken"]),
        ("usage", &["usage"]),
        ("policy", &["policy", "film"]),
        (
            "purge-dry-run",
            &["purge", "--max-size", "20k", "--dry-run"],
        ),
        ("verify", &["verify", "film"]),
        ("gc", &["gc", "--dry-run"]),
    ] {
        assert_said(name, &run(&environment, arguments));
    }
}

#[test]
fn probes() {
    let origin = multivariant();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    assert_said("probe", &run(&environment, &["probe", &url]));
    assert_json("probe-json", run(&environment, &["probe", "--json", &url]));
}

#[test]
fn errors() {
    let (environment, origin) = stored();
    let url = origin.url("/master.m3u8").to_string();
    let nowhere = origin.url("/nowhere.m3u8").to_string();
    for (name, arguments) in [
        ("error-no-command", &[][..]),
        ("error-unknown-asset", &["inspect", "nothing"]),
        ("error-near-asset", &["inspect", "fimls"]),
        ("error-not-found", &["download", &nowhere]),
        (
            "error-no-match",
            &["probe", &url, "--variant", "hight<=360"],
        ),
        ("error-failed-again", &["resume", "broken"]),
        ("error-incomplete", &["export", "broken", "-o", "out"]),
        ("error-bad-size", &["purge", "--max-size", "much"]),
        (
            "error-bad-address",
            &["download", "ftp://example.com/a.m3u8"],
        ),
    ] {
        assert_said(name, &run(&environment, arguments));
    }
    let faults = [
        ("error-expired", Fault::Status(403)),
        ("error-page", Fault::Html),
        ("error-status", Fault::Status(418)),
        (
            "error-redirects",
            Fault::Redirect {
                status: 302,
                location: "/trouble.m3u8".to_owned(),
            },
        ),
    ];
    let trouble = origin.url("/trouble.m3u8").to_string();
    for (name, fault) in faults {
        let resource = Resource::new("#EXTM3U\n");
        origin.site().route("/trouble.m3u8", resource);
        origin.site().always("/trouble.m3u8", fault);
        assert_said(name, &run(&environment, &["download", &trouble]));
    }
    let empty = Environment::new();
    std::fs::write(empty.path("words"), "no cookies").unwrap();
    let cookies = ["download", &trouble, "--cookies", "words"];
    assert_said("error-cookies", &run(&empty, &cookies));
    let foreign = Environment::new();
    std::fs::create_dir(foreign.store()).unwrap();
    std::fs::write(foreign.store().join("letter"), "dear").unwrap();
    assert_said("error-not-a-store", &run(&foreign, &["list"]));
    let empty = Environment::new();
    assert_said("list-empty", &run(&empty, &["list"]));
    assert_said("error-no-store", &run(&empty, &["inspect", "film"]));
}

#[test]
fn json() {
    let (environment, _origin) = stored();
    for (name, arguments) in [
        ("list-json", &["list", "--json"][..]),
        ("inspect-json", &["inspect", "film", "--json"]),
        ("inspect-failed-json", &["inspect", "broken", "--json"]),
        ("usage-json", &["usage", "--json"]),
        ("verify-json", &["verify", "film", "--json"]),
        (
            "purge-json",
            &["purge", "--max-size", "20k", "--dry-run", "--json"],
        ),
    ] {
        assert_json(name, run(&environment, arguments));
    }
}

//! Completions as shells ask for them, and the pages of the manual.

use std::process::Command;

use crate::commands::multivariant;
use crate::environment::{Environment, said};

/// A store with two films, one of which has a title with a space in it.
fn stored() -> Environment {
    let origin = multivariant();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    for (id, title) in [("film-1", "Moby Dick (1956)"), ("film-2", "Metropolis")] {
        environment
            .run(["download", &url, "--queue", "--id", id, "--title", title])
            .fine();
    }
    environment
}

/// What a shell is answered, line by line.
fn asked(environment: &Environment, shell: &str, words: &[&str]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_offline"));
    command
        .env("OFFLINE_COMPLETE", shell)
        .env("OFFLINE_STORE", environment.store())
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .arg("--")
        .args(words);
    let said = said(&command.output().unwrap()).fine();
    assert_eq!(said.stderr, "");
    said.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn every_shell_has_a_script_that_asks_this_program() {
    let environment = Environment::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = environment.run(["completions", shell]).fine().stdout;
        assert!(script.contains("OFFLINE_COMPLETE"), "{script}");
        assert!(!script.contains("target/"), "a path of here: {script}");
    }
    environment.run(["completions", "tcsh"]).code_is(2);
}

#[test]
fn ids_and_titles_are_completed() {
    let environment = stored();
    let fish = |words: &[&str]| asked(&environment, "fish", words);
    assert_eq!(
        fish(&["offline", "inspect", "fi"]),
        ["film-1\tMoby Dick (1956)", "film-2\tMetropolis"]
    );
    assert_eq!(
        fish(&["offline", "remove", "film-1", "film-2"]),
        ["film-2\tMetropolis"]
    );
    assert_eq!(
        fish(&["offline", "export", "mo"]),
        ["Moby Dick (1956)\tfilm-1"]
    );
    assert!(fish(&["offline", "inspect", "nothing"]).is_empty());
    let zsh = asked(&environment, "zsh", &["offline", "policy", "Met"]);
    assert_eq!(zsh.len(), 1);
    assert!(zsh[0].starts_with("Metropolis"), "{zsh:?}");
    for command in ["pause", "resume", "cancel", "verify", "play"] {
        assert!(
            !fish(&["offline", command, "film-2"]).is_empty(),
            "{command}"
        );
    }
}

#[test]
fn a_store_that_is_not_there_completes_nothing_and_is_not_made() {
    let environment = Environment::new();
    assert!(asked(&environment, "fish", &["offline", "inspect", "a"]).is_empty());
    assert!(!environment.store().exists());
}

/// A real bash loads the script and completes words as they are typed.
#[cfg(unix)]
#[test]
fn bash_completes_what_can_be_typed() {
    let environment = stored();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_offline"))
        .parent()
        .unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let complete = |typed: &str| {
        let mut command = Command::new("bash");
        command
            .args(["--norc", "-c"])
            // What bash itself sets before it calls the function of a completion.
            .arg(
                "source <(offline completions bash) || exit 1\n\
                 complete -p offline | grep -q _clap_complete_offline || exit 2\n\
                 COMP_LINE=$1 COMP_TYPE=9; read -ra COMP_WORDS <<< \"${1//\\\\/\\\\\\\\}\"\n\
                 [[ $1 == *' ' ]] && COMP_WORDS+=('')\n\
                 COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n\
                 _clap_complete_offline offline \"${COMP_WORDS[COMP_CWORD]}\"\n\
                 printf '%s\\n' \"${COMPREPLY[@]}\"",
            )
            .args(["bash", typed])
            .env("PATH", &path)
            .env("OFFLINE_STORE", environment.store());
        let said = said(&command.output().unwrap()).fine();
        said.stdout
            .lines()
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    assert_eq!(complete("offline insp"), ["inspect"]);
    assert_eq!(complete("offline download --dry"), ["--dry-run"]);
    assert_eq!(complete("offline inspect "), ["film-1", "film-2"]);
    assert_eq!(
        complete("offline inspect Mob"),
        ["Moby\\ Dick\\ \\(1956\\)"]
    );
    assert_eq!(complete("offline export film-1 --format mp"), ["mp4"]);
    let elsewhere = environment.path("elsewhere");
    let line = format!("offline --store {} inspect film", elsewhere.display());
    assert_eq!(complete(&line), [""]);
}

#[test]
fn every_command_has_a_page_that_ends_like_its_help() {
    let environment = Environment::new();
    let folder = environment.path("man1");
    environment
        .run(["man", "-o", folder.to_str().unwrap()])
        .fine();
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let top = page("offline.1");
    for command in ["download", "list", "export", "man"] {
        assert!(top.contains(&format!("offline\\-{command}(1)")), "{top}");
        let own = page(&format!("offline-{command}.1"));
        assert_eq!(
            environment.run(["man", command]).fine().stdout,
            format!("{}\n", own.trim_end())
        );
        assert!(
            own.contains(".SH EXAMPLES") && own.contains(".SH \"SEE ALSO\""),
            "{own}"
        );
    }
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        environment
            .run(["--help"])
            .fine()
            .stdout
            .lines()
            .skip_while(|line| *line != "Commands:")
            .take_while(|line| !line.is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .count(),
        "one page a command, and that of the tool in place of that of `help`"
    );
    environment.run(["man", "nothing"]).refused(2);
}

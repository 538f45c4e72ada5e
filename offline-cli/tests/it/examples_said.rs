//! The examples of README, long help and man pages: each is run as it stands, by a shell.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use segment_fetch::testing::Origin;

use crate::environment::{Environment, Said, has, said};
use crate::media;

const README: &str = include_str!("../../../README.md");

/// The lines that begin with `offline`, in blocks and inside sentences.
fn of_readme() -> Vec<String> {
    let mut found = Vec::new();
    for (number, part) in README.split("```").enumerate() {
        if number % 2 == 1 {
            // Beside typed lines, blocks show what is printed.
            let is_screen = part.lines().any(|line| line.starts_with("$ "));
            let typed = part.lines().filter_map(|line| {
                if is_screen {
                    line.strip_prefix("$ ")
                } else {
                    Some(line)
                }
            });
            found.extend(typed.map(str::to_owned));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    // A name of a command in a sentence is no example.
    found.retain(|line| line.starts_with("offline ") && line.split(' ').count() > 1);
    found
}

/// The lines of the long help of every command; the pages of the manual have the same.
fn of_help(environment: &Environment) -> Vec<String> {
    let pages = environment.path("pages");
    environment
        .run(["man", "-o", pages.to_str().unwrap()])
        .fine();
    let mut found = Vec::new();
    for page in std::fs::read_dir(&pages).unwrap() {
        let path = page.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Some(command) = name.strip_prefix("offline-") else {
            continue;
        };
        let help = environment.run([command, "--help"]).fine().stdout;
        let (_, examples) = help.split_once("\nExamples:\n").expect(command);
        let examples: Vec<String> = examples
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("  #"))
            .map(|line| line.trim().to_owned())
            .collect();
        let page = std::fs::read_to_string(&path).unwrap();
        let page = page.replace("\\*(Aq", "'").replace('\\', "");
        for example in &examples {
            assert!(
                page.contains(&format!("\n{example}\n")),
                "{name}: {example}"
            );
        }
        assert!(!examples.is_empty(), "{command}");
        found.extend(examples);
    }
    found
}

/// A stream, the store that has it, and programs that shells find.
struct Stage {
    environment: Environment,
    origin: Origin,
    programs: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let environment = Environment::new();
        let root = environment.path("www");
        media::alternate_audio(&root);
        let origin = Origin::directory(&root).unwrap();
        let programs = environment.path("programs");
        std::fs::create_dir(&programs).unwrap();
        // Players and browsers are none here, and end at once.
        for name in ["mpv", "xdg-open", "www-browser"] {
            let path = programs.join(name);
            std::fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let stage = Self {
            environment,
            origin,
            programs,
        };
        let store = stage.environment.store();
        stage
            .shell("offline download URL --id film --title 'The Film'", &store)
            .fine();
        stage
    }

    /// Runs a line with an address and an asset in place of what stands for them.
    fn shell(&self, line: &str, store: &Path) -> Said {
        let url = self.origin.url("/alt/master.m3u8").to_string();
        let base = self.origin.url("/alt/").to_string();
        let line: Vec<&str> = line
            .split(' ')
            .map(|word| match word {
                "URL" | "NEW" | "https://example.com/film/master.m3u8" => url.as_str(),
                "https://example.com/film/" => base.as_str(),
                "ID" => "film",
                "FOLDER" => "folder",
                _ => word,
            })
            .collect();
        let own = Path::new(env!("CARGO_BIN_EXE_offline")).parent().unwrap();
        let folder = store.with_extension("folder");
        std::fs::create_dir_all(folder.join(".config/fish/completions")).unwrap();
        std::fs::write(folder.join("store.toml"), policy_of_readme()).unwrap();
        let playlist = self.environment.path("www").join("alt/master.m3u8");
        std::fs::copy(playlist, folder.join("film.m3u8")).unwrap();
        let path = [&self.programs, own, Path::new("/usr/bin:/bin")]
            .map(|folder| folder.display().to_string())
            .join(":");
        let mut command = self.environment.command();
        let environment: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        command = Command::new("bash");
        for name in environment {
            command.env_remove(name);
        }
        // Servers go on until they are told to stop.
        command
            // The script for zsh is read, and registers with nobody.
            .args([
                "-c",
                &format!("compdef() {{ :; }}; set -o pipefail; {}", line.join(" ")),
            ])
            .current_dir(&folder)
            .env("PATH", path)
            .env("HOME", &folder)
            .env("OFFLINE_STORE", store)
            .env("OFFLINE_CONFIG", "")
            .stdin(std::process::Stdio::null());
        said(&command.output().unwrap())
    }
}

/// The policy of a store that the README shows.
fn policy_of_readme() -> &'static str {
    let (_, rest) = README.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

#[test]
fn every_example_does_what_it_says() {
    if !has("ffmpeg") {
        return;
    }
    let stage = Stage::new();
    let mut examples = of_readme();
    assert!(examples.len() > 20, "{examples:?}");
    examples.extend(of_help(&stage.environment));
    examples.sort();
    examples.dedup();
    let mut wrong = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        let store = stage.environment.path(&format!("store-{number}"));
        copy(&stage.environment.store(), &store);
        let words: Vec<&str> = example.split(' ').collect();
        if ["pause", "cancel"].contains(&words[1]) {
            // Only what is not done can be stopped.
            let queued = "offline download URL --id film --audio all --queue";
            stage.shell(queued, &store).fine();
        }
        // Servers, and the page in a browser, go on until they are told to stop.
        let goes_on = words[1] == "serve" || words[1] == "play" && !example.contains("--player");
        let line = if goes_on {
            format!("timeout --signal INT 1 {example}")
        } else {
            example.clone()
        };
        let said = stage.shell(&line, &store);
        let expected: &[i32] = match words[1] {
            _ if goes_on => &[124],
            // 1 says that no purge of this store makes as much room, which is up to the disk.
            "purge" => &[0, 1],
            _ => &[0],
        };
        if !expected.contains(&said.code) {
            wrong.push(format!("{} of: {example}\n{}", said.code, said.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

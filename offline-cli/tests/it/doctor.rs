//! `offline doctor`: each finding, what it advises, and that nothing is changed by looking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use asset_store::{AssetId, Store};
use serde_json::Value;

use crate::environment::{Environment, Said, said};
use crate::stream::Plain;

/// Everything below a folder: what it is, when it changed, and its bytes.
fn tree(root: &Path) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>, std::fs::Permissions)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            let bytes = metadata.is_file().then(|| std::fs::read(&path).unwrap());
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            let changed = metadata.modified().unwrap();
            found.insert(path, (changed, bytes, metadata.permissions()));
        }
    }
    found
}

/// Asks, and sees that everything is as before.
fn ask(environment: &Environment) -> Said {
    ask_with(environment, &[])
}

fn ask_with(environment: &Environment, variables: &[(&str, &Path)]) -> Said {
    let folder = environment.path(".");
    let before = tree(&folder);
    let mut command = environment.command();
    command.args(["doctor", "--json"]);
    command.envs(variables.iter().copied());
    let said = said(&command.output().unwrap());
    assert!(tree(&folder) == before, "something was changed");
    said
}

/// What is said of one check, as `state: finding`, and what is advised.
fn found(said: &Said, check: &str) -> Vec<String> {
    let findings = said.json()["findings"].as_array().unwrap().clone();
    let of = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let (state, finding) = (text("state"), (text("finding"), text("advice")));
        format!("{state}: {} → {}", finding.0, finding.1)
    };
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    of_check.map(of).collect()
}

/// One finding of a check, with these words.
#[track_caller]
fn finds(said: &Said, code: i32, check: &str, words: &[&str]) {
    assert_eq!(said.code, code, "{}{}", said.stdout, said.stderr);
    let found = found(said, check).join("\n");
    for word in words {
        assert!(found.contains(word), "`{word}` is not in: {found}");
    }
}

fn stored() -> Environment {
    let environment = Environment::new();
    let plain = Plain::new(3, 20);
    environment
        .run(["download", &plain.url(), "--id", "film"])
        .fine();
    environment
}

#[test]
fn no_store_is_a_note_and_none_is_created() {
    let environment = Environment::new();
    let said = ask(&environment);
    finds(
        &said,
        0,
        "store",
        &["note: ", "the first download creates it"],
    );
    finds(&said, 0, "permissions", &["ok: the store can be created"]);
    assert!(!environment.store().exists());
    // An empty folder is none yet either.
    std::fs::create_dir(environment.store()).unwrap();
    finds(&ask(&environment), 0, "store", &["note: "]);
}

#[test]
fn a_store_in_order_is_well() {
    let environment = stored();
    let said = ask(&environment);
    assert_eq!(said.json()["is_well"], true);
    for (check, words) in [
        ("store", "ok: "),
        ("index", "ok: closed"),
        ("locks", "ok: nobody"),
        ("assets", "ok: 1 asset,"),
        ("permissions", "ok: private"),
        ("space", "ok: "),
        ("clock", "ok: not behind"),
    ] {
        finds(&said, 0, check, &[words]);
    }
    let table = environment.run(["doctor"]).fine();
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("ok    store        /"), "{lines:?}");
    assert!(lines.iter().all(|line| {
        let word = line.split(' ').next().unwrap();
        ["ok", "note", "bad", ""].contains(&word)
    }));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let environment = stored();
    let format = environment.store().join("FORMAT");
    let written = std::fs::read_to_string(&format).unwrap();
    std::fs::write(&format, written.replace("\"version\":1", "\"version\":99")).unwrap();
    let said = ask(&environment);
    finds(
        &said,
        1,
        "store",
        &["bad: ", "version 99", "→ update offline"],
    );
    std::fs::write(&format, "something").unwrap();
    finds(
        &ask(&environment),
        1,
        "store",
        &["bad: ", "is no store", "--store"],
    );
    std::fs::write(&format, &written).unwrap();
    for missing in ["LOCK", "blobs/b3/7f", "assets"] {
        let path = environment.store().join(missing);
        let aside = environment.path("aside");
        std::fs::rename(&path, &aside).unwrap();
        let said = ask(&environment);
        finds(&said, 1, "store", &["bad: ", missing, "→ put it back"]);
        std::fs::rename(&aside, &path).unwrap();
    }
    finds(&ask(&environment), 0, "store", &["ok: "]);
}

#[test]
fn an_index_that_is_not_whole_is_a_note() {
    let environment = stored();
    let index = environment.store().join("index");
    std::fs::write(index.join("stale"), "").unwrap();
    finds(
        &ask(&environment),
        0,
        "index",
        &["note: ", "builds it anew"],
    );
    std::fs::remove_file(index.join("stale")).unwrap();
    std::fs::remove_file(index.join("clean")).unwrap();
    finds(
        &ask(&environment),
        0,
        "index",
        &["note: ", "builds it anew"],
    );
    // No file at all where one should be.
    std::fs::remove_file(index.join("sled/db")).unwrap();
    std::fs::create_dir(index.join("sled/db")).unwrap();
    finds(
        &ask(&environment),
        1,
        "index",
        &["bad: ", "→ delete the folder `index`"],
    );
    std::fs::remove_dir_all(&index).unwrap();
    finds(&ask(&environment), 0, "index", &["note: there is none yet"]);
}

#[test]
fn who_has_the_locks_is_told() {
    let environment = stored();
    let store = Store::open(environment.store()).unwrap();
    let id = AssetId::new("film").unwrap();
    let own = std::process::id().to_string();
    let writer = store.writer(&id).unwrap();
    let said = ask(&environment);
    let words = format!("film is being written by process {own}");
    finds(&said, 0, "locks", &["note: ", &words]);
    drop(writer);
    let mark = store.mark_in_use(&id).unwrap();
    let said = ask(&environment);
    finds(&said, 0, "locks", &["film is being played or served by "]);
    if cfg!(target_os = "linux") {
        finds(&said, 0, "locks", &[&own]);
    }
    drop(mark);
    store.find_source("nothing").unwrap();
    let said = ask(&environment);
    finds(&said, 0, "locks", &["the index is in use"]);
    finds(&said, 0, "index", &["ok: in use"]);
    drop(store);
    finds(&ask(&environment), 0, "locks", &["ok: nobody"]);
}

#[test]
fn damaged_manifests_and_policies_are_found() {
    let environment = stored();
    let policy = environment.store().join("policy.document");
    std::fs::write(&policy, "max_bytes = 20 apples").unwrap();
    let said = ask(&environment);
    finds(&said, 1, "assets", &["bad: the policy", "→ write it anew"]);
    std::fs::remove_file(&policy).unwrap();
    let folder = environment.store().join("assets/film");
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let ending = Some(std::ffi::OsStr::new("manifest"));
    for manifest in files.filter(|path| path.extension() == ending) {
        crate::bad_input::make_writable(&manifest);
        std::fs::write(&manifest, "damaged").unwrap();
    }
    let said = ask(&environment);
    finds(
        &said,
        1,
        "assets",
        &["bad: 1 damaged: film", "→ `offline verify`"],
    );
}

#[cfg(unix)]
#[test]
fn a_store_that_others_may_write_in_is_bad() {
    use std::os::unix::fs::PermissionsExt;
    let environment = stored();
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for folder in ["", "blobs/b3", "assets"] {
        let folder = environment.store().join(folder);
        allow(&folder, 0o777);
        let said = ask(&environment);
        finds(
            &said,
            1,
            "permissions",
            &["bad: ", "→ run as", "chmod -R go-w"],
        );
        allow(&folder, 0o700);
    }
    finds(&ask(&environment), 0, "permissions", &["ok: "]);
    let assets = environment.store().join("assets");
    allow(&assets, 0o500);
    // The superuser may write anywhere.
    let may = std::fs::write(assets.join("probe"), "").is_ok();
    let _ = std::fs::remove_file(assets.join("probe"));
    let said = ask(&environment);
    allow(&assets, 0o700);
    if !may {
        finds(
            &said,
            1,
            "permissions",
            &["bad: nothing can be written", "→ chmod u+wx"],
        );
    }
}

#[test]
fn too_little_room_for_the_policy_is_bad() {
    let environment = stored();
    let policy = environment.store().join("policy.document");
    for (text, words) in [
        ("min_free = \"1000000 TB\"", "keeps 1.0 EB free"),
        ("min_free = \"100%\"", "free"),
        ("max_bytes = \"1 kB\"", "the policy allows 1.0 kB"),
    ] {
        std::fs::write(&policy, text).unwrap();
        let said = ask(&environment);
        finds(&said, 1, "space", &["bad: ", words, "→ `offline purge`"]);
    }
    std::fs::write(&policy, "max_bytes = \"1 GB\"").unwrap();
    finds(&ask(&environment), 0, "space", &["ok: "]);
}

#[test]
fn a_clock_behind_what_the_store_has_seen_is_bad_and_stays_unnoted() {
    let environment = stored();
    let clock = environment.store().join("clock.document");
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let later = now + Duration::from_secs(3 * 86_400);
    std::fs::write(&clock, format!("{{\"latest\":{}}}", later.as_secs())).unwrap();
    let said = ask(&environment);
    finds(
        &said,
        1,
        "clock",
        &[
            "bad: ",
            "behind the latest time",
            "→ set the clock",
            "--trust-clock",
        ],
    );
    // What other commands would note now, this one does not.
    std::fs::write(&clock, "{\"latest\":1}").unwrap();
    finds(&ask(&environment), 0, "clock", &["ok: "]);
}

#[cfg(target_os = "linux")]
#[test]
fn no_certificate_authority_is_bad() {
    let environment = stored();
    let nothing = environment.path("nothing.pem");
    std::fs::write(&nothing, "").unwrap();
    let folder = environment.path("no-certificates");
    std::fs::create_dir(&folder).unwrap();
    let said = ask_with(
        &environment,
        &[("SSL_CERT_FILE", &nothing), ("SSL_CERT_DIR", &folder)],
    );
    finds(
        &said,
        1,
        "tls",
        &["bad: no https", "→ install", "SSL_CERT_FILE"],
    );
    let authority = environment.path("authority.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&authority, made.cert.pem()).unwrap();
    let said = ask_with(
        &environment,
        &[("SSL_CERT_FILE", &authority), ("SSL_CERT_DIR", &folder)],
    );
    finds(&said, 0, "tls", &["ok: "]);
}

#[cfg(unix)]
#[test]
fn programs_are_notes() {
    let environment = stored();
    let programs = environment.path("programs");
    std::fs::create_dir(&programs).unwrap();
    let said = ask_with(&environment, &[("PATH", &programs)]);
    finds(&said, 0, "ffmpeg", &["note: not there"]);
    finds(&said, 0, "players", &["note: ", "opens the browser"]);
    for name in ["ffmpeg", "vlc"] {
        std::fs::write(programs.join(name), "").unwrap();
    }
    let said = ask_with(&environment, &[("PATH", &programs)]);
    finds(&said, 0, "ffmpeg", &["ok: "]);
    finds(&said, 0, "players", &["ok: vlc"]);
}

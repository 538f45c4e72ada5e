//! Defaults from a file and the environment.

use std::path::PathBuf;

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::{Environment, Said, said, wait_for};
use crate::network::{sent, two_servers};
use crate::serve::Serving;

fn write(environment: &Environment, text: &str) -> PathBuf {
    let path = environment.path("config.toml");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    path
}

fn run(environment: &Environment, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = environment.command();
    command.args(["--config", "config.toml"]).args(arguments);
    command.envs(variables.iter().copied());
    said(&command.output().unwrap())
}

/// Lines of the file, variables, words of the command line, and whose value holds with them.
type Step = (
    String,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    &'static str,
);

/// What holds for a flag of a command: its value and where that comes from.
fn holding(shown: &Value, command: &str, flag: &str) -> (Value, Value) {
    let settings = shown["settings"].as_array().unwrap();
    let found = (settings.iter())
        .find(|setting| setting["command"] == command && setting["flag"] == flag)
        .unwrap_or_else(|| panic!("{command}.{flag}"));
    (found["value"].clone(), found["from"].clone())
}

#[test]
fn what_is_nearer_goes_first() {
    let (origin, media) = two_servers();
    let here = format!("127.0.0.1:{}", origin.url("/").port().unwrap());
    let address = origin.url("/media.m3u8");
    // From the farthest to the nearest.
    let steps: [Step; 6] = [
        ("user-agent = \"top/1\"".to_owned(), &[], &[], "top/1"),
        (
            "[probe]\nuser-agent = \"section/1\"".to_owned(),
            &[],
            &[],
            "section/1",
        ),
        (
            format!("[hosts.\"{here}\"]\nuser-agent = \"host/1\""),
            &[],
            &[],
            "host/1",
        ),
        (
            String::new(),
            &[("OFFLINE_USER_AGENT", "all/1")],
            &[],
            "all/1",
        ),
        (
            String::new(),
            &[("OFFLINE_PROBE_USER_AGENT", "one/1")],
            &[],
            "one/1",
        ),
        (String::new(), &[], &["--user-agent", "said/1"], "said/1"),
    ];
    let environment = Environment::new();
    let (mut file, mut variables, mut words) = (String::new(), Vec::new(), Vec::new());
    for (lines, more, said, expected) in steps {
        file += &format!("{lines}\n");
        variables.extend_from_slice(more);
        words.extend_from_slice(said);
        write(&environment, &file);
        let before = origin.site().requests().len();
        let arguments = [&["probe", address.as_str()], words.as_slice()].concat();
        run(&environment, &variables, &arguments).fine();
        let asked = &origin.site().requests()[before..];
        assert!(!asked.is_empty());
        for logged in asked {
            assert_eq!(
                sent(logged, "user-agent").as_deref(),
                Some(expected),
                "{file}"
            );
        }
    }
    drop(media);
}

#[test]
fn what_is_for_a_host_reaches_no_other() {
    let (origin, media) = two_servers();
    // A redirect leads to a third one.
    let elsewhere = Site::new();
    elsewhere.route(
        "/1.ts",
        Resource::new(crate::stream::transport_stream(1, 20)),
    );
    let elsewhere = Origin::serve(elsewhere).unwrap();
    let location = elsewhere.url("/1.ts").to_string();
    media.site().always(
        "/segments/1.ts",
        Fault::Redirect {
            status: 302,
            location,
        },
    );
    let there = media.url("/").port().unwrap();
    let environment = Environment::new();
    write(
        &environment,
        &format!(
            "[download]\nheader = \"X-Plain: all\"\n\
             [hosts.\"127.0.0.1:{there}\"]\n\
             header = [\"Authorization: Bearer 1\", \"X-Plain: host\", \"X-Other: host\"]\n"
        ),
    );
    let address = origin.url("/media.m3u8");
    let arguments = ["download", address.as_str(), "--header", "X-Other: said"];
    run(&environment, &[], &arguments).fine();
    assert_eq!(media.site().requests().len(), 2);
    for logged in media.site().requests() {
        assert_eq!(sent(&logged, "authorization").as_deref(), Some("Bearer 1"));
        assert_eq!(sent(&logged, "x-other").as_deref(), Some("said"));
    }
    let others = [origin.site().requests(), elsewhere.site().requests()].concat();
    assert!(others.len() >= 2);
    for logged in &others {
        assert_eq!(sent(logged, "authorization"), None);
        assert_eq!(sent(logged, "x-other").as_deref(), Some("said"));
    }
}

#[test]
fn what_the_page_resumes_takes_it_too() {
    let (origin, media) = two_servers();
    let environment = Environment::new();
    let address = origin.url("/media.m3u8");
    media.site().always("/segments/1.ts", Fault::Status(404));
    environment
        .run(["download", address.as_str(), "--id", "a"])
        .refused(4);
    media.site().always("/segments/1.ts", Fault::None);
    let there = media.url("/").port().unwrap();
    let config = write(
        &environment,
        &format!(
            "[serve]\nuser-agent = \"server/1\"\n[play]\nuser-agent = \"another/1\"\n\
             [hosts.\"127.0.0.1:{there}\"]\nheader = \"X-Key: 1\"\n"
        ),
    );
    let before = (
        origin.site().requests().len(),
        media.site().requests().len(),
    );
    let options = [
        "--config",
        config.to_str().unwrap(),
        "--header",
        "Authorization: Bearer 1",
    ];
    let serving = Serving::start_with(&environment, &options);
    assert_eq!(serving.post("a/resume", &json!({})).status, 200);
    wait_for("the download's end", || {
        environment.list()[0]["state"] == "completed"
    });
    let (asked, fetched) = (
        origin.site().requests().split_off(before.0),
        media.site().requests().split_off(before.1),
    );
    assert!(!asked.is_empty());
    assert_eq!(fetched.len(), 1);
    for logged in asked.iter().chain(&fetched) {
        assert_eq!(sent(logged, "user-agent").as_deref(), Some("server/1"));
    }
    assert_eq!(sent(&fetched[0], "x-key").as_deref(), Some("1"));
    assert_eq!(sent(&fetched[0], "authorization"), None);
    for logged in &asked {
        assert_eq!(sent(logged, "x-key"), None);
        assert_eq!(sent(logged, "authorization").as_deref(), Some("Bearer 1"));
    }
}

#[test]
fn what_the_page_resumes_gives_credentials_to_one_server() {
    let environment = Environment::new();
    let origins = [two_servers(), two_servers()];
    for (id, (origin, _)) in ["a", "b"].iter().zip(&origins) {
        let address = origin.url("/media.m3u8");
        environment
            .run(["download", address.as_str(), "--id", id])
            .fine();
    }
    let before = origins[1].0.site().requests().len();
    let options = ["--header", "Authorization: Bearer 1"];
    let serving = Serving::start_with(&environment, &options);
    assert_eq!(serving.post("a/resume", &json!({})).status, 200);
    let answer = serving.post("b/resume", &json!({}));
    assert_eq!(answer.status, 409);
    let said = String::from_utf8(answer.body).unwrap();
    assert!(said.contains("credentials are for one"), "{said}");
    assert_eq!(origins[1].0.site().requests().len(), before);
    // Without credentials there is nothing to keep.
    let serving = Serving::start_with(&environment, &["--header", "X-Plain: 1"]);
    for id in ["a/resume", "b/resume"] {
        assert_eq!(serving.post(id, &json!({})).status, 200);
    }
}

#[test]
fn every_command_takes_what_it_has() {
    let environment = Environment::new();
    // Much of this goes only with something else, or against what is said below.
    write(
        &environment,
        "json = true\nquiet = true\nparallel = 3\n\
         [download]\nduration = \"90m\"\nkey = \"key.pem\"\nvariant = [\"height<=1080\", \"max:height\"]\nallow-gaps = true\n\
         [purge]\nmax-size = 1000000000\ndry-run = true\n[verify]\ndeep = false\n",
    );
    let listed = run(&environment, &[], &["list"]).fine();
    assert_eq!(listed.stdout, "[]\n");
    let listed = run(&environment, &[("OFFLINE_JSON", "no")], &["list"]).fine();
    assert!(!listed.stdout.contains('['), "{}", listed.stdout);
    run(&environment, &[], &["-v", "list"]).fine();
    let purged = run(&environment, &[], &["purge"]).fine();
    assert!(purged.json()["purged"].is_array());
    let (origin, _media) = two_servers();
    let address = origin.url("/media.m3u8");
    let done = run(&environment, &[], &["download", address.as_str()]).fine();
    assert_eq!(done.events().last().unwrap()["event"], "completed");
}

#[test]
fn what_holds_is_shown_with_where_it_comes_from() {
    let environment = Environment::new();
    let path = write(
        &environment,
        "# first\nparallel = 3\n[download]\nheader = \"X: SECRET\"\nproxy = \"http://me:SECRET@proxy:1\"\n\
         [hosts.\"*.example\"]\nheader = \"Authorization: SECRET\"\nproxy = \"http://me:SECRET@proxy:2\"\n",
    );
    let said = run(
        &environment,
        &[("OFFLINE_JOBS", "4")],
        &["config", "--json"],
    )
    .fine();
    let shown = said.json();
    assert_eq!(shown["file"], "config.toml");
    let line = |line: u32| serde_json::json!({"kind": "file", "line": line});
    assert_eq!(holding(&shown, "verify", "parallel"), ("3".into(), line(2)));
    let variable = serde_json::json!({"kind": "environment", "variable": "OFFLINE_JOBS"});
    assert_eq!(holding(&shown, "download", "jobs"), ("4".into(), variable));
    let default = serde_json::json!({"kind": "default"});
    assert_eq!(
        holding(&shown, "download", "live"),
        ("false".into(), default)
    );
    assert_eq!(shown["hosts"][0]["hosts"], "*.example");
    let text = run(&environment, &[], &["config"]).fine();
    assert!(
        text.stdout.contains("proxy:1") && text.stdout.contains("proxy:2"),
        "{}",
        text.stdout
    );
    for said in [&said, &text] {
        assert!(!format!("{}{}", said.stdout, said.stderr).contains("SECRET"));
        assert!(!said.stderr.contains("warning"), "{}", said.stderr);
    }
    assert!(!environment.store().exists());

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let said = run(&environment, &[], &["config"]).fine();
        assert!(said.stderr.contains("chmod 600"), "{}", said.stderr);
    }
}

#[test]
fn the_example_of_the_readme_holds() {
    let readme = include_str!("../../../README.md");
    let (_, example) = readme.split_once("```toml\nparallel").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let environment = Environment::new();
    write(&environment, &format!("parallel{example}"));
    let shown = run(&environment, &[], &["config", "--json"]).fine().json();
    assert_eq!(holding(&shown, "download", "audio").0, "en,de");
    assert_eq!(shown["hosts"][0]["limit_rate"], 2_000_000);
}

#[test]
fn mistakes_have_their_place() {
    let environment = Environment::new();
    for (text, expected) in [
        (
            "\nparalel = 3",
            ":2:1: there is no key \"paralel\"; did you mean \"parallel\"?",
        ),
        ("parallel = \"x\"", ":1: parallel: invalid value 'x'"),
        (
            "[download]\nvarriant = \"a\"",
            ":2:1: there is no key \"download.varriant\"; did you mean \"variant\"?",
        ),
        (
            "[download]\ntitle = \"a\"",
            ":2:1: download.title cannot have a default",
        ),
        (
            "[dwnload]\nparallel = 3",
            ":1:2: there is no key \"dwnload\"; did you mean \"download\"?",
        ),
        ("parallel = ", ":1:12: "),
        ("json = \"yes\"", ":1:8: json is true or false"),
        ("parallel = [1]", ":1:12: parallel is a text or a number"),
        ("[hosts.\"*\"]\nproxy = \"\"", ":1:8: \"*\" is no host"),
        ("[hosts.a]\nlimit-rate = \"fast\"", ":2:14: "),
        (
            "[hosts.a]\nheaders = \"X: SECRET\"",
            "did you mean \"header\"?",
        ),
        (
            "[hosts.a]\nheader = \"SECRET\"",
            ":2:10: a header is a name",
        ),
        (
            "[download]\nheader = \"SECRET\"",
            ":2: download.header: a header is a name",
        ),
        (
            "[download]\nheader = \"Cookie: SECRET\"",
            ":2:10: credentials are for a host",
        ),
        ("hosts = 3", "there is no key \"hosts\""),
    ] {
        write(&environment, text);
        // Whatever is run, and whatever it is of.
        let said = run(&environment, &[], &["list"]).refused(2);
        assert!(said.stderr.contains(expected), "{text}: {}", said.stderr);
        assert!(said.stderr.contains("config.toml"), "{}", said.stderr);
        assert!(!said.stderr.contains("SECRET"), "{}", said.stderr);
    }
    write(&environment, "");
    let said = run(&environment, &[("OFFLINE_PARALLEL", "many")], &["list"]).refused(2);
    assert!(said.stderr.contains("OFFLINE_PARALLEL"), "{}", said.stderr);
    let said = environment
        .run(["--config", "nowhere.toml", "list"])
        .refused(2);
    assert!(said.stderr.contains("nowhere.toml"), "{}", said.stderr);
}

//! What a person sees of a download at a terminal: a real one, which tmux keeps.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use segment_fetch::testing::Fault;

use crate::environment::{Environment, skipped, wait_for};
use crate::stream::{Plain, segment_path};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A terminal with the tool in it.
pub(crate) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs the tool in a window; `None` where there is no tmux.
    pub(crate) fn run(
        environment: &Environment,
        columns: usize,
        arguments: &[&str],
    ) -> Option<Self> {
        Self::run_with(environment, columns, &[], arguments)
    }

    /// With these `NAME=VALUE` in its environment.
    fn run_with(
        environment: &Environment,
        columns: usize,
        variables: &[&str],
        arguments: &[&str],
    ) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            skipped("tmux is not installed");
            return None;
        }
        let terminal = Self {
            // The one before on the same socket may still be ending.
            socket: environment.path(&format!("tmux-{}", NEXT.fetch_add(1, Ordering::Relaxed))),
        };
        let tool = environment.command();
        // Ctrl-C goes to the shell too, which has to live to say how the tool ended.
        let script = "trap : INT; \"$0\" \"$@\"; echo \"exit $?\"; exec sleep 3600";
        let mut command = terminal.command();
        command.args(["new-session", "-d", "-y", "24", "-x", &columns.to_string()]);
        for variable in variables {
            command.args(["-e", variable]);
        }
        command.args(["sh", "-c", script]);
        command.arg(tool.get_program());
        command.args(tool.get_args()).args(arguments);
        assert!(command.status().unwrap().success());
        Some(terminal)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        command
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(&self.socket);
        command
    }

    pub(crate) fn tell(&self, arguments: &[&str]) {
        assert!(self.command().args(arguments).status().unwrap().success());
    }

    fn lines(&self) -> Vec<String> {
        self.captured(&["capture-pane", "-p"])
    }

    /// What is shown with the codes of its colours.
    fn coloured(&self) -> String {
        self.captured(&["capture-pane", "-p", "-e"]).join("\n")
    }

    fn captured(&self, arguments: &[&str]) -> Vec<String> {
        let shown = self.command().args(arguments).output().unwrap();
        let text = String::from_utf8(shown.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until what is shown is so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        wait_for(what, || {
            std::thread::sleep(Duration::from_millis(50));
            lines = self.lines();
            is_so(&lines)
        });
        lines
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").status();
    }
}

pub(crate) fn count(lines: &[String], start: &str) -> usize {
    let same = lines
        .iter()
        .filter(|line| line.trim_start().starts_with(start));
    same.count()
}

fn has_bar(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains(['━', '─']))
}

/// A stream whose last segment comes bit by bit.
fn slow() -> Plain {
    let plain = Plain::new(5, 100);
    let drip = Fault::Drip {
        piece: 10,
        pause: Duration::from_millis(100),
    };
    plain.origin.site().always(&segment_path(4), drip);
    plain
}

#[test]
fn lines_keep_to_the_terminal_and_go_with_the_download() {
    let (plain, environment) = (slow(), Environment::new());
    let url = plain.url();
    let Some(terminal) = Terminal::run(&environment, 80, &["download", &url]) else {
        return;
    };
    let four_fifths =
        |lines: &[String]| count(lines, "total  80 %") == 1 && count(lines, "media  80 %") == 1;
    let wide = |lines: &[String]| four_fifths(lines) && has_bar(lines);
    let lines = terminal.wait("a line for each rendition and one for all", wide);
    assert!(
        lines.iter().any(|line| line.contains("0:16/0:20")),
        "{lines:?}"
    );
    // What was drawn wider wraps in a narrower window, and goes all the same.
    terminal.tell(&["resize-window", "-x", "40", "-y", "24"]);
    terminal.wait("lines of 40 columns", |lines| {
        four_fifths(lines) && !has_bar(lines)
    });
    terminal.tell(&["resize-window", "-x", "120", "-y", "24"]);
    terminal.wait("lines of 120 columns", wide);
    terminal.tell(&["send-keys", "C-c"]);
    let lines = terminal.wait("the end", |lines| count(lines, "exit ") == 1);
    assert_eq!(count(&lines, "exit 130"), 1, "{lines:?}");
    assert_eq!(count(&lines, "paused: interrupted"), 1, "{lines:?}");
    let text = lines.join("");
    assert!(
        text.contains(&format!("offline resume {}", environment.only_id())),
        "{lines:?}"
    );
    assert!(!has_bar(&lines), "{lines:?}");
    assert_eq!(
        count(&lines, "total") + count(&lines, "media "),
        0,
        "{lines:?}"
    );
}

#[test]
fn two_interrupts_leave_at_once_and_nothing_behind() {
    let (plain, environment) = (slow(), Environment::new());
    let url = plain.url();
    let Some(terminal) = Terminal::run(&environment, 40, &["download", &url]) else {
        return;
    };
    terminal.wait("a line", |lines| count(lines, "total  80 %") == 1);
    terminal.tell(&["send-keys", "C-c", "C-c"]);
    let lines = terminal.wait("the end", |lines| count(lines, "exit ") == 1);
    assert_eq!(count(&lines, "exit 130"), 1, "{lines:?}");
    assert_eq!(
        count(&lines, "total") + count(&lines, "media "),
        0,
        "{lines:?}"
    );
    plain.origin.site().always(&segment_path(4), Fault::None);
    environment.run(["download", &url]).fine();
    for index in 0..4 {
        assert_eq!(
            plain.requests(index),
            1,
            "segment {index} was fetched again"
        );
    }
}

#[test]
fn what_is_no_terminal_gets_no_control_characters() {
    let (plain, environment) = (Plain::new(20, 20), Environment::new());
    let said = environment.run(["download", &plain.url()]).fine();
    let is_control = |character: char| character.is_control() && character != '\n';
    assert!(!said.stderr.contains(is_control), "{:?}", said.stderr);
}

#[test]
fn tables_are_cut_at_a_terminal_and_nowhere_else() {
    let (plain, environment) = (Plain::new(2, 20), Environment::new());
    let titles = [
        "A title that goes on for much longer than any line of a terminal does",
        "千と千尋の神隠し、それから、もっともっと長い題名",
    ];
    for (id, title) in ["a", "b"].into_iter().zip(titles) {
        let url = plain.url();
        environment
            .run(["download", "--id", id, "--title", title, &url])
            .fine();
    }
    for columns in [40, 60] {
        let Some(terminal) = Terminal::run(&environment, columns, &["list"]) else {
            return;
        };
        let lines = terminal.wait("the end", |lines| count(lines, "exit ") == 1);
        // The header, a line for each, and how it ended.
        for (line, id) in lines[1..3].iter().zip(["a ", "b "]) {
            assert!(line.starts_with(id) && line.contains('…'), "{lines:?}");
            assert!(line.ends_with("completed"), "{lines:?}");
        }
        assert_eq!(lines[3], "exit 0", "{lines:?}");
    }
    let whole = environment.run(["list"]).fine().stdout;
    assert!(titles.iter().all(|title| whole.contains(title)), "{whole}");
}

#[test]
fn colour_is_where_it_is_wanted() {
    let (plain, environment) = (Plain::new(2, 20), Environment::new());
    environment
        .run(["download", "--id", "a", &plain.url()])
        .fine();
    let is_coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = environment.command();
        command.envs(variables.iter().copied()).args(arguments);
        let ran = command.output().unwrap();
        let is_painted = |bytes: &[u8]| bytes.contains(&0x1b);
        (is_painted(&ran.stdout), is_painted(&ran.stderr))
    };
    let force = ("CLICOLOR_FORCE", "1");
    let unknown = ["inspect", "nothing"];
    assert_eq!(is_coloured(&[], &["list"]), (false, false));
    assert_eq!(is_coloured(&[force], &["list"]), (true, false));
    assert_eq!(is_coloured(&[force], &unknown), (false, true));
    assert_eq!(
        is_coloured(&[], &["list", "--color", "always"]),
        (true, false)
    );
    assert_eq!(
        is_coloured(&[force], &["list", "--color", "never"]),
        (false, false)
    );
    assert_eq!(
        is_coloured(&[("OFFLINE_LIST_COLOR", "always")], &["list"]),
        (true, false)
    );
    assert_eq!(is_coloured(&[force], &["list", "--json"]), (false, false));
    assert_eq!(
        is_coloured(&[force], &["inspect", "a", "--json"]),
        (false, false)
    );
    for (variables, is_expected) in [
        (&[][..], true),
        (&["NO_COLOR=1"], false),
        (&["CLICOLOR=0"], false),
    ] {
        let Some(terminal) = Terminal::run_with(&environment, 60, variables, &["list"]) else {
            return;
        };
        terminal.wait("the end", |lines| count(lines, "exit ") == 1);
        let shown = terminal.coloured();
        assert_eq!(
            shown.contains("\u{1b}[32mcompleted"),
            is_expected,
            "{variables:?} {shown:?}"
        );
    }
}

/// How many lines there are of each kind, whatever is said above them.
fn is_whole(lines: &[String]) -> bool {
    let said: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    let Some((total, above)) = said.split_last() else {
        return false;
    };
    count(lines, "total") == 1
        && count(lines, "media ") == 1
        && total.starts_with("total")
        && above.last().is_some_and(|line| line.starts_with("media "))
}

#[test]
fn a_server_that_stalls_has_no_speed_and_time_goes_on() {
    let (plain, environment) = (Plain::new(5, 100), Environment::new());
    let site = plain.origin.site();
    site.always(&segment_path(4), Fault::Stall(50));
    let url = plain.url();
    let Some(terminal) = Terminal::run(&environment, 80, &["download", &url]) else {
        return;
    };
    // No event tells of it: the server is silent.
    let nothing = |lines: &[String]| {
        let mut totals = lines.iter().filter(|line| line.starts_with("total  80 %"));
        let (_, rest) = totals.next()?.split_once("  0 B/s  nothing for ")?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let lines = terminal.wait("nothing", |lines| nothing(lines).is_some());
    let first = nothing(&lines);
    terminal.wait("nothing for longer", |lines| {
        let now = nothing(lines);
        now.is_some() && now != first
    });
    let lines = terminal.wait("whole lines", is_whole);
    let track = lines
        .iter()
        .find(|line| line.starts_with("media "))
        .unwrap();
    for part in ["0:16/0:20", "  4/5 ", "  75.", " kB ", " 0 B/s"] {
        assert!(track.contains(part), "{part}: {track}");
    }
    // Narrower while nothing comes: it is drawn anew, and nothing wraps.
    terminal.tell(&["resize-window", "-x", "40", "-y", "24"]);
    let narrow = terminal.wait("lines of 40 columns", |lines| {
        is_whole(lines) && !has_bar(lines)
    });
    assert!(
        narrow.iter().filter(|line| line.contains(" %")).count() == 2,
        "{narrow:?}"
    );
    terminal.tell(&["send-keys", "C-c"]);
    terminal.wait("the end", |lines| count(lines, "exit 130") == 1);
}

#[test]
fn what_is_logged_stands_above_the_lines() {
    let (plain, environment) = (Plain::new(5, 100), Environment::new());
    let site = plain.origin.site();
    let unavailable = || Fault::Status(503);
    site.script(
        &segment_path(2),
        [unavailable(), unavailable(), unavailable(), Fault::None],
    );
    let drip = Fault::Drip {
        piece: 10,
        pause: Duration::from_millis(100),
    };
    site.always(&segment_path(4), drip);
    let url = plain.url();
    let Some(terminal) = Terminal::run(&environment, 160, &["download", &url, "-v"]) else {
        return;
    };
    let lines = terminal.wait("lines below what is logged", |lines| {
        is_whole(lines)
            && lines
                .iter()
                .filter(|line| line.contains("trying again"))
                .count()
                == 3
            && lines.iter().any(|line| line.contains("3 retries"))
    });
    let logged = lines.iter().filter(|line| line.contains(" INFO "));
    for line in logged {
        assert!(line.trim_start().starts_with("INFO"), "{lines:?}");
        assert!(!line.contains('%'), "{lines:?}");
    }
    terminal.tell(&["send-keys", "C-c"]);
    let lines = terminal.wait("the end", |lines| count(lines, "exit 130") == 1);
    assert_eq!(
        count(&lines, "total") + count(&lines, "media "),
        0,
        "{lines:?}"
    );
}

#[test]
fn wide_characters_take_their_room() {
    let (plain, environment) = (slow(), Environment::new());
    let url = plain.url();
    let title = "\u{5343}\u{3068}\u{5343}\u{5c0b}";
    let arguments = [
        "download", &url, "--id", "film", "--title", title, "--queue",
    ];
    environment.run(arguments).fine();
    let Some(terminal) = Terminal::run(&environment, 40, &["download"]) else {
        return;
    };
    let lines = terminal.wait("a line for the download", |lines| {
        count(lines, "film  80 %") == 1
    });
    assert!(lines.iter().any(|line| line.contains(title)), "{lines:?}");
    terminal.tell(&["send-keys", "C-c"]);
    terminal.wait("the end", |lines| count(lines, "exit 130") == 1);
}

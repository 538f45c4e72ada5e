//! What each command is used for, as people type it: the end of its long help and of its man page.
//!
//! The tests run every line, with an address for URL and an asset for `film`.

pub(crate) const DOWNLOAD: &str = "\
Examples:
  # in 1080 lines at most, in two languages, with all subtitles
  offline download URL --variant 'height<=1080' --audio en,de --subtitles all

  # what would it take?
  offline download URL --dry-run

  # the first minute and a half of it
  offline download URL --to 1:30 --title Excerpt

  # an hour and a half of a live stream
  offline download URL --live --duration 90m

  # now into the queue, at night what waits there
  offline download URL --queue
  offline download --hours 22-6 --min-free 20GB";

pub(crate) const PAUSE: &str = "\
Examples:
  offline pause film";

pub(crate) const RESUME: &str = "\
Examples:
  offline resume film

  # its address has expired, and this one leads to the same
  offline resume film --url URL";

pub(crate) const CANCEL: &str = "\
Examples:
  offline cancel film";

pub(crate) const PROBE: &str = "\
Examples:
  offline probe URL

  # what would be taken with these choices
  offline probe URL --variant 'height<=720' --audio fr --json";

pub(crate) const LIST: &str = "\
Examples:
  offline list
  offline list --json";

pub(crate) const INSPECT: &str = "\
Examples:
  offline inspect film";

pub(crate) const REMOVE: &str = "\
Examples:
  offline remove film";

pub(crate) const POLICY: &str = "\
Examples:
  # keep it longer than others, and for a month
  offline policy film --priority important --expires 30d

  # never purge it
  offline policy film --pinned yes

  # say what may stay altogether
  offline policy --from store.toml";

pub(crate) const PURGE: &str = "\
Examples:
  # remove what has expired
  offline purge

  # what would have to go so that no more than 20 GB stay?
  offline purge --max-size 20GB --dry-run

  # keep a tenth of the disk free
  offline purge --min-free 10%";

pub(crate) const GC: &str = "\
Examples:
  offline gc --dry-run";

pub(crate) const USAGE: &str = "\
Examples:
  offline usage";

pub(crate) const VERIFY: &str = "\
Examples:
  # every asset, every byte
  offline verify

  # whether its media are whole and in their place, and mend what is not
  offline verify film --deep --repair";

pub(crate) const SERVE: &str = "\
Examples:
  offline serve --port 8080";

pub(crate) const PLAY: &str = "\
Examples:
  offline play film
  offline play film --player mpv";

pub(crate) const EXPORT: &str = "\
Examples:
  # a folder of playlists and segments
  offline export film -o folder

  # one file
  offline export film -o film.mp4";

pub(crate) const CONFIG: &str = "\
Examples:
  offline config
  offline config --all";

pub(crate) const DOCTOR: &str = "\
Examples:
  offline doctor
  offline doctor --json";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  # bash, in ~/.bashrc
  source <(offline completions bash)

  # zsh, in ~/.zshrc after compinit
  source <(offline completions zsh)

  # fish
  offline completions fish > ~/.config/fish/completions/offline.fish";

pub(crate) const MAN: &str = "\
Examples:
  offline man download | man -l -

  # all pages, where `man` finds them
  offline man -o ~/.local/share/man/man1";

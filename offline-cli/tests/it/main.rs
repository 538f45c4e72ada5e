//! The tool end to end: a scripted origin on one side, players and other processes on the other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod artwork;
mod auxiliary;
mod bad_input;
mod browser;
mod commands;
mod completions;
mod configuration;
mod configuration_laws;
mod counts;
mod decoded;
mod deep;
mod doctor;
mod drift;
mod environment;
mod examples_said;
#[cfg(unix)]
mod export;
mod faults;
mod from_file;
mod full_disk;
mod gated_origin;
mod growing;
mod https;
#[cfg(unix)]
mod interactive;
mod interruption;
mod interstitials;
mod interstitials_page;
mod interstitials_taken;
mod interstitials_trouble;
mod kill;
mod live;
mod live_command;
mod live_origin;
mod live_trouble;
mod logging;
mod low_latency;
mod media;
mod metrics;
mod network;
mod page;
#[cfg(unix)]
mod play;
mod playback;
#[cfg(unix)]
mod players;
mod policy;
mod presentation;
mod previews;
mod probe;
mod processes;
mod property;
mod protected;
mod queue;
mod range;
mod redundancy;
mod samples;
mod serve;
mod settings;
mod sizes;
mod snapshots;
mod space;
mod strangers;
mod stream;
mod subtitle_samples;
mod terminal;
mod verify;

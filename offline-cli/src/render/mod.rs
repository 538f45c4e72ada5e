//! How answers look: text for people, JSON for programs, progress on a terminal.

pub(crate) mod lines;
pub(crate) mod output;
pub(crate) mod paint;
pub(crate) mod progress;
mod speed;
pub(crate) mod table;
pub(crate) mod text;
mod view;

//! Elementary streams: what video and audio are made of.

pub(crate) mod annex_b;
pub(crate) mod audio_frame;
mod bits;
pub(crate) mod parameter_sets;

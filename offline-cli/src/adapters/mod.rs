//! Where two crates meet: a trait of one, implemented over a type of another.

pub(crate) mod catalog;
pub(crate) mod inventory;
mod opened;
pub(crate) mod sink;

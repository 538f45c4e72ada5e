//! `offline policy`

use std::num::NonZeroU32;
use std::path::Path;
use std::time::SystemTime;

use asset_store::Store;
use serde::Serialize;
use storage_policy::{AfterPlayed, Policy};

use super::policy_file;
use crate::cli::{self, Expiry, PolicyChanges, YesNo};
use crate::render::output::{self, Output};
use crate::render::text::{self, printable};
use crate::session::library::{self, PolicyView};
use crate::session::{purge, record};
use crate::{Error, Result};

#[derive(Serialize)]
struct Answer {
    id: String,
    #[serde(flatten)]
    policy: PolicyView,
}

pub(super) fn run(store: &Store, arguments: &cli::Policy, output: Output) -> Result<u8> {
    match &arguments.id {
        Some(id) => of_asset(store, id, arguments, output),
        None => of_store(store, arguments.from.as_deref(), output),
    }
}

fn of_store(store: &Store, from: Option<&Path>, output: Output) -> Result<u8> {
    if let Some(file) = from {
        purge::set_store_policy(store, &policy_file::read(file)?)?;
    }
    let policy = purge::store_policy(store)?;
    if output.json {
        output::json(&policy.map(|(_, policy)| policy))?;
    } else if let Some((text, _)) = policy {
        for line in text.lines() {
            output::line(&printable(line))?;
        }
    } else {
        output.message("the store has no policy; give it one with --from FILE");
    }
    Ok(0)
}

fn of_asset(store: &Store, id: &str, arguments: &cli::Policy, output: Output) -> Result<u8> {
    let id = library::find(store, id)?;
    let before = library::policy(store, &id)?;
    let mut policy = match &arguments.from {
        Some(file) => Policy::from_toml(&policy_file::read(file)?)
            .map_err(|error| policy_file::wrong(file, error))?,
        None => before.clone(),
    };
    change(&mut policy, &arguments.changes, || library::now(store))?;
    if policy != before {
        library::set_policy(store, &id, &policy)?;
    }
    let view = PolicyView::from(&policy);
    if output.json {
        output::json(&Answer {
            id: id.to_string(),
            policy: view,
        })?;
    } else {
        output::line(&format!("{id}: {}", describe(&view)))?;
    }
    Ok(0)
}

fn change(
    policy: &mut Policy,
    changes: &PolicyChanges,
    now: impl Fn() -> Result<SystemTime>,
) -> Result<()> {
    if let Some(priority) = changes.priority {
        policy.priority = priority;
    }
    match changes.expires {
        None => {}
        Some(Expiry::Never) => policy.expires = None,
        Some(Expiry::At(at)) => policy.expires = Some(at),
        Some(Expiry::After(after)) => {
            let at = now()?.checked_add(after);
            policy.expires = Some(at.ok_or_else(|| Error::usage("that is too far ahead"))?);
        }
    }
    if let Some(pinned) = changes.pinned {
        policy.pinned = pinned == YesNo::Yes;
    }
    if let Some(change) = changes.after_played {
        policy.after_played = change.0;
    }
    if let Some(window) = changes.storage_window {
        policy.storage_window = window.0;
    }
    if let Some(window) = changes.playback_window {
        policy.playback_window = window.0;
    }
    if let Some(series) = &changes.series {
        policy.series = Some(series.clone()).filter(|series| !series.is_empty());
    }
    if let Some(newest) = changes.keep_newest {
        policy.keep_newest = NonZeroU32::new(newest);
    }
    if policy.keep_newest.is_some() && policy.series.is_none() {
        return Err(Error::usage("--keep-newest needs a series").hint("add --series NAME"));
    }
    policy.tags.extend(changes.tag.iter().cloned());
    policy.tags.retain(|tag| !changes.untag.contains(tag));
    if let Some(drop) = changes.drop_auxiliary {
        policy.drop_auxiliary = drop == YesNo::Yes;
    }
    Ok(())
}

/// A policy in words.
pub(super) fn describe(policy: &PolicyView) -> String {
    let expires = policy.expires.and_then(record::time);
    let expires = expires.map_or_else(|| "never".to_owned(), text::date);
    let mut words = vec![
        format!("{} priority", policy.priority),
        format!("expires {expires}"),
    ];
    let mut say = |said: Option<String>| words.extend(said);
    say(policy.pinned.then(|| "pinned".to_owned()));
    say(policy
        .storage_window
        .map(|window| format!("stored for {}", text::span(window))));
    say(policy
        .playback_window
        .map(|window| format!("played within {}", text::span(window))));
    say(policy.after_played.map(|change| match change {
        AfterPlayed::Priority(priority) => format!("{priority} priority once played"),
        AfterPlayed::Expire(after) => {
            format!(
                "expires {} after the first play",
                text::span(after.as_secs())
            )
        }
        _ => "changes once played".to_owned(),
    }));
    say(policy
        .series
        .as_ref()
        .map(|series| format!("series {}", printable(series))));
    say(policy
        .keep_newest
        .map(|newest| format!("newest {newest} kept")));
    let tags: Vec<String> = policy.tags.iter().map(|tag| printable(tag)).collect();
    say((!tags.is_empty()).then(|| format!("tags {}", tags.join(" "))));
    say(policy
        .drop_auxiliary
        .then(|| "auxiliary audio may go".to_owned()));
    words.join(", ")
}

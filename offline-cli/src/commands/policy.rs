//! `offline policy`

use asset_store::Store;
use serde::Serialize;

use crate::Result;
use crate::cli::{Policy, Priority, YesNo};
use crate::render::output::{self, Output};
use crate::render::text::date;
use crate::session::library::{self, PolicyView};

#[derive(Serialize)]
struct Answer {
    id: String,
    #[serde(flatten)]
    policy: PolicyView,
}

pub(super) fn run(store: &Store, arguments: &Policy, output: Output) -> Result<u8> {
    let id = library::find(store, &arguments.id)?;
    let mut policy = library::policy(store, &id)?;
    let before = policy.clone();
    if let Some(priority) = arguments.priority {
        policy.priority = match priority {
            Priority::Default => storage_policy::Priority::DEFAULT,
            Priority::Important => storage_policy::Priority::IMPORTANT,
        };
    }
    if let Some(expiry) = arguments.expires {
        policy.expires = expiry.0;
    }
    if let Some(pinned) = arguments.pinned {
        policy.pinned = pinned == YesNo::Yes;
    }
    if policy != before {
        library::set_policy(store, &id, &policy)?;
    }
    if output.json {
        output::json(&Answer {
            id: id.to_string(),
            policy: PolicyView::from(&policy),
        })?;
    } else {
        let expires = policy.expires.map_or_else(|| "never".to_owned(), date);
        let pinned = if policy.pinned { ", pinned" } else { "" };
        output::line(&format!(
            "{id}: {} priority, expires {expires}{pinned}",
            policy.priority
        ))?;
    }
    Ok(0)
}

//! `offline usage`

use asset_store::Store;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::{printable, size};
use crate::session::upkeep;

pub(super) fn run(store: Option<&Store>, output: Output) -> Result<u8> {
    let used = store.map(upkeep::usage).transpose()?.unwrap_or_default();
    if output.json {
        output::json(&used)?;
        return Ok(0);
    }
    let rows = used.usage.assets.iter().map(|asset| {
        vec![
            asset.id.clone(),
            asset.title.clone().unwrap_or_default(),
            size(asset.bytes.logical),
            size(asset.bytes.exclusive),
            size(asset.bytes.shared),
        ]
    });
    output::line(&table(
        &["ID", "TITLE", "SIZE", "EXCLUSIVE", "SHARED"],
        &[2, 3, 4],
        rows.collect(),
    ))?;
    for (role, bytes) in &used.usage.roles {
        output::line(&format!("{role:<16}{:>10}", size(*bytes)))?;
    }
    for (tag, group) in &used.usage.tags {
        let name = printable(&format!("tag {tag}"));
        output::line(&format!("{name:<16}{:>10}", size(group.bytes.stored)))?;
    }
    for group in &used.usage.ages {
        let bytes = group.usage.bytes.stored;
        output::line(&format!("{:<16}{:>10}", group.age.as_str(), size(bytes)))?;
    }
    let saved: u64 = used.usage.duplicates.iter().map(|one| one.saved).sum();
    if saved > 0 {
        output::line(&format!("{:<16}{:>10}", "saved", size(saved)))?;
    }
    for (name, bytes) in [
        ("assets", used.usage.stored),
        ("unfinished", used.partials),
        ("trash", used.trash),
    ] {
        output::line(&format!("{name:<16}{:>10}", size(bytes)))?;
    }
    output::line(&bar(&[
        ('#', used.usage.stored.saturating_sub(used.usage.shared)),
        ('=', used.usage.shared),
        ('-', used.partials),
        ('x', used.trash),
    ]))?;
    output::line("# of one asset   = shared   - unfinished   x trash")?;
    Ok(0)
}

/// How many characters the bar has.
const BAR: u64 = 60;

/// What the store is used for; what is there at all is seen.
fn bar(parts: &[(char, u64)]) -> String {
    let total: u64 = (parts.iter()).fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let width = |bytes: u64| {
        let share = u128::from(bytes) * u128::from(BAR) / u128::from(total.max(1));
        let share = usize::try_from(share).unwrap_or_default();
        share.max(usize::from(bytes > 0))
    };
    let parts = parts.iter();
    let drawn = parts.map(|(mark, bytes)| mark.to_string().repeat(width(*bytes)));
    format!("[{}]", drawn.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen() {
        assert_eq!(bar(&[('#', 0), ('=', 0)]), "[]");
        let drawn = bar(&[('#', u64::MAX / 2), ('=', u64::MAX / 2), ('x', 1)]);
        assert!(drawn.contains("#=") && drawn.contains("=x"), "{drawn}");
        assert!(drawn.len() <= 64, "{drawn}");
    }
}

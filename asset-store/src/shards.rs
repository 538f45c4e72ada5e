//! The folders of the blobs, walked without a look at those blobs that are known anyway.

use crate::Digest;
use crate::Error;
use crate::fs::Item;
use crate::layout::Layout;
use crate::parallel::for_each_on;

/// So many folders are listed before what is found in them is looked at.
const GROUP: usize = 32;

/// A file or folder that is no known blob.
pub(crate) struct Other {
    /// `None`: it has not the name of a blob.
    pub(crate) digest: Option<Digest>,
    pub(crate) item: Item,
}

/// Calls `action`, on several threads, for everything in the folders of the blobs that is no blob which `is_known`,
/// and `done` with what it gave, here. Says how many known blobs there are.
pub(crate) fn for_each_other<R: Send>(
    layout: &Layout,
    is_known: impl Fn(&Digest) -> bool + Sync,
    action: impl Fn(&Other) -> Result<R, Error> + Sync,
    mut done: impl FnMut(R),
) -> Result<u64, Error> {
    let fs = layout.fs();
    let mut known = 0_u64;
    let shards: Vec<u8> = (0..=u8::MAX).collect();
    for group in shards.chunks(GROUP) {
        let mut others = Vec::new();
        let list = |first: &u8| {
            let mut known = 0_u64;
            let mut others = Vec::new();
            for name in fs.list_names(&layout.shard(*first))? {
                let digest = name.name.parse::<Digest>().ok();
                if digest.as_ref().is_some_and(&is_known) {
                    known = known.saturating_add(1);
                } else {
                    others.push((name.place, *first, name.name, digest));
                }
            }
            Ok((known, others))
        };
        for_each_on(fs.calls_at_once(), group, list, |_, (count, found)| {
            known = known.saturating_add(count);
            others.extend(found);
        })?;
        others.sort_unstable();
        let look = |(_, first, name, digest): &(u64, u8, String, Option<Digest>)| {
            let item = fs.item(&layout.shard(*first), name);
            let digest = *digest;
            item.map(|item| action(&Other { digest, item })).transpose()
        };
        for_each_on(fs.calls_at_once(), &others, look, |_, result| {
            result.into_iter().for_each(&mut done);
        })?;
    }
    Ok(known)
}

//! New addresses for those that have expired.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::timeout;
use url::Url;

use crate::Request;

/// How long a hook may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often in a row one job takes a new address.
const REPLACEMENTS: usize = 3;
/// How many replaced addresses are remembered.
const REMEMBERED: usize = 4096;

type Answer = Shared<BoxFuture<'static, Option<Url>>>;

/// A hook that knows new addresses for those that have expired: 401, 403 or 410 was answered.
///
/// It is asked at most once at a time for an address, however many jobs wait for the answer, and what it answers is
/// remembered, so that later jobs of the same address begin with the new one. A job asks at most three times in a row. No
/// answer within a minute is none, and then the job fails with
/// [`AddressExpired`](crate::ErrorKind::AddressExpired).
///
/// What is held already is continued at the new address under its validator.
///
/// ```
/// use segment_fetch::{FetchOptions, RefreshAddress};
///
/// let options = FetchOptions {
///     refresh: Some(RefreshAddress::new(|mut expired| async move {
///         // Usually one reads a playlist again here.
///         expired.set_query(Some("token=new"));
///         Some(expired)
///     })),
///     ..FetchOptions::default()
/// };
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct RefreshAddress {
    ask: Arc<dyn Fn(Url) -> BoxFuture<'static, Option<Url>> + Send + Sync>,
}

impl RefreshAddress {
    /// Asks `hook` for a new address in the place of the one it is given.
    pub fn new<F, A>(hook: F) -> Self
    where
        F: Fn(Url) -> A + Send + Sync + 'static,
        A: Future<Output = Option<Url>> + Send + 'static,
    {
        RefreshAddress {
            ask: Arc::new(move |url| hook(url).boxed()),
        }
    }
}

impl fmt::Debug for RefreshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshAddress").finish_non_exhaustive()
    }
}

/// What is known of addresses that have expired, for all fetches of a fetcher.
#[derive(Debug, Default)]
pub(crate) struct Refresher {
    hook: Option<RefreshAddress>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    asking: HashMap<Url, Answer>,
    replaced: HashMap<Url, Url>,
}

/// The addresses of one job.
pub(crate) struct Replacements<'a> {
    refresher: &'a Refresher,
    current: Url,
    tried: Vec<Url>,
}

impl Refresher {
    pub(crate) fn new(hook: Option<RefreshAddress>) -> Self {
        Refresher {
            hook,
            known: Mutex::default(),
        }
    }

    /// Begins with the address of the request, or with what replaced it before.
    pub(crate) fn replacements(&self, request: &Request) -> Replacements<'_> {
        let mut current = request.url.clone();
        let mut seen = Vec::new();
        while let Some(known) = self
            .replaced(&current)
            .filter(|known| !seen.contains(known))
        {
            seen.push(std::mem::replace(&mut current, known));
        }
        Replacements {
            refresher: self,
            current,
            tried: Vec::new(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replaced(&self, url: &Url) -> Option<Url> {
        self.hook.as_ref()?;
        self.known().replaced.get(url).cloned()
    }

    async fn ask(&self, expired: &Url) -> Option<Url> {
        let hook = self.hook.as_ref()?;
        let answer = {
            let mut known = self.known();
            if let Some(new) = known.replaced.get(expired) {
                return Some(new.clone());
            }
            let asking = || {
                let asked = (hook.ask)(expired.clone());
                timeout(PATIENCE, asked)
                    .map(Result::ok)
                    .map(Option::flatten)
                    .boxed()
                    .shared()
            };
            known
                .asking
                .entry(expired.clone())
                .or_insert_with(asking)
                .clone()
        };
        let new = answer.await.filter(|new| new != expired);
        let mut known = self.known();
        known.asking.remove(expired);
        if let Some(new) = &new {
            if known.replaced.len() >= REMEMBERED {
                known.replaced.clear();
            }
            known.replaced.insert(expired.clone(), new.clone());
        }
        new
    }
}

impl Replacements<'_> {
    pub(crate) fn current(&self) -> Url {
        self.current.clone()
    }

    /// The address after the current one, which has expired; `None` when there is none that was not tried.
    pub(crate) async fn next(&mut self) -> Option<Url> {
        if self.tried.len() >= REPLACEMENTS {
            return None;
        }
        let new = self.refresher.ask(&self.current).await?;
        if self.tried.contains(&new) {
            return None;
        }
        self.tried
            .push(std::mem::replace(&mut self.current, new.clone()));
        Some(new)
    }
}

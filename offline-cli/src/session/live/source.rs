//! The playlist of one track at its origin: when to look again, and what a look means. It keeps no clock.

use std::time::Duration;

use hls_parse::{Change, Context, DeliveryDirectives, ErrorKind, MediaPlaylist, Timeline};

use super::known::Known;

/// A copy that is older than what is known is put aside for this long, or for six target durations; then the stream has begun anew.
const STALE_LIMIT: Duration = Duration::from_secs(30);
/// Pauses after failed looks grow to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// From one look to the next, whatever a server that says it blocks answers.
const SHORTEST_DELAY: Duration = Duration::from_millis(100);

/// What is known of a playlist that grows, and since when. Times are those of the recording's clock.
#[derive(Debug)]
pub(super) struct LiveSource {
    pub(super) timeline: Timeline,
    known: Known,
    /// The first number of this epoch that was not listed before.
    pub(super) first: u64,
    /// What is added to the epoch of the timeline.
    base: u64,
    /// When the copy that is known was asked for.
    loaded: Duration,
    /// When there was something new last.
    news: Duration,
    /// When the next look is due.
    due: Duration,
    /// When the first of several stale copies in a row came.
    stale_since: Option<Duration>,
    failures: u32,
    /// Whether a delta update was of no use.
    needs_full: bool,
}

/// Why there is nothing more to expect of a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dead {
    /// It is answered, but stays as it is.
    Silent,
    /// It is not answered.
    Unreachable,
}

impl LiveSource {
    /// A playlist that was asked for at `now`.
    pub(super) fn new(timeline: Timeline, now: Duration) -> Self {
        let mut known = Known::default();
        known.add(&timeline, 0..timeline.segments().len());
        let mut source = Self {
            timeline,
            known,
            first: 0,
            base: 0,
            loaded: now,
            news: now,
            due: now,
            stale_since: None,
            failures: 0,
            needs_full: false,
        };
        source.plan(now, true, false);
        source
    }

    /// Which stream this is, when several came one after the other under this address.
    pub(super) fn epoch(&self) -> u64 {
        self.base.saturating_add(self.timeline.epoch())
    }

    /// Whether there will be nothing more.
    pub(super) fn has_ended(&self) -> bool {
        !self.timeline.is_live()
    }

    /// When to look again.
    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// What to ask for at `now`. Partial segments are not waited for: whole ones are kept.
    pub(super) fn directives(&self, now: Duration) -> DeliveryDirectives {
        let mut directives = self
            .timeline
            .next_directives(now.saturating_sub(self.loaded));
        directives.part = None;
        if self.needs_full {
            directives.skip = None;
        }
        if self.failures > 0 {
            // A server in trouble is asked for as little as possible.
            directives = DeliveryDirectives::default();
        }
        directives
    }

    /// Takes in a copy that was asked for at `asked` and came at `now`.
    ///
    /// # Errors
    /// When it cannot be used; it then counts as a failed look.
    pub(super) fn received(
        &mut self,
        playlist: &MediaPlaylist,
        context: &Context,
        was_blocking: bool,
        asked: Duration,
        now: Duration,
    ) -> Result<Change, hls_parse::Error> {
        let update = match self.timeline.update(playlist, context) {
            Ok(update) => update,
            Err(error) if error.kind() == ErrorKind::NeedFullReload && !self.needs_full => {
                self.needs_full = true;
                self.due = now;
                return Ok(Change::Unchanged);
            }
            Err(error) => {
                self.failed(now);
                return Err(error);
            }
        };
        self.needs_full = false;
        self.failures = 0;
        let mut change = update.change;
        if change == Change::Restarted || update.missed > 0 {
            match self.known.first_new(&update.timeline) {
                Some(first) => self.first = first,
                // An edge that lags by more than the whole playlist, or has not heard of a change.
                None => change = Change::Stale,
            }
        }
        let has_ended = self.timeline.is_live() && !update.timeline.is_live();
        let mut is_news = change != Change::Stale && (has_ended || !update.added.is_empty());
        if change == Change::Stale {
            let since = *self.stale_since.get_or_insert(now);
            let patience = STALE_LIMIT.max(self.target().saturating_mul(6));
            if now.saturating_sub(since) >= patience && playlist.skip().is_none() {
                // With the numbers and names of before and no dates it looks like an old copy.
                let timeline = playlist.resolve(context)?;
                self.base = self.epoch().saturating_add(1);
                self.timeline = timeline;
                self.known = Known::default();
                let all = 0..self.timeline.segments().len();
                self.known.add(&self.timeline, all);
                self.first = 0;
                self.stale_since = None;
                change = Change::Restarted;
                is_news = true;
            }
        } else {
            self.stale_since = None;
            self.timeline = update.timeline;
            self.known.add(&self.timeline, update.added);
        }
        if change != Change::Stale {
            self.loaded = asked;
        }
        if is_news {
            self.news = now;
        }
        let is_changed = if was_blocking {
            is_news
        } else {
            change.is_news()
        };
        self.plan(asked, is_changed, was_blocking);
        Ok(change)
    }

    /// Notes that a look that ended at `now` was in vain.
    pub(super) fn failed(&mut self, now: Duration) {
        let pause = SHORTEST_PAUSE
            .saturating_mul(2_u32.saturating_pow(self.failures.min(16)))
            .min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.due = now.saturating_add(pause);
    }

    /// Whether there has been nothing new for longer than `patience`, and three target durations.
    pub(super) fn dead(&self, now: Duration, patience: Duration) -> Option<Dead> {
        let patience = patience.max(self.target().saturating_mul(3));
        if now.saturating_sub(self.news) < patience {
            None
        } else if self.failures > 0 {
            Some(Dead::Unreachable)
        } else {
            Some(Dead::Silent)
        }
    }

    pub(super) fn target(&self) -> Duration {
        self.timeline.reload_delay(true).unwrap_or_default()
    }

    /// Section 6.3.4, counted from when the last look began; a server that makes us wait is asked again at once, within reason.
    fn plan(&mut self, asked: Duration, is_news: bool, was_blocking: bool) {
        let can_block = self.timeline.server_control().can_block_reload;
        let delay = match self.timeline.reload_delay(is_news) {
            Some(_) if is_news && can_block && (was_blocking || self.failures == 0) => {
                SHORTEST_DELAY
            }
            delay => delay.unwrap_or_default(),
        };
        self.due = asked.saturating_add(delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hls_parse::Playlist;

    const SECOND: Duration = Duration::from_secs(1);

    fn context() -> Context {
        Context::new("https://h.example/live.m3u8".parse().unwrap())
    }

    fn media(control: &str, first: u64, count: u64) -> MediaPlaylist {
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{control}#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..first + count {
            text.push_str(&format!("#EXTINF:4,\n{number}.ts\n"));
        }
        match hls_parse::parse(text.as_bytes()).unwrap().playlist {
            Playlist::Media(playlist) => playlist,
            Playlist::Multivariant(_) => panic!("not a Media Playlist"),
        }
    }

    fn source(control: &str) -> LiveSource {
        let timeline = media(control, 10, 5).resolve(&context()).unwrap();
        LiveSource::new(timeline, Duration::ZERO)
    }

    #[test]
    fn reloads_keep_the_pace_of_the_specification() {
        let mut source = source("");
        assert_eq!(source.due(), 4 * SECOND);
        let mut look = |first: u64, asked: Duration| {
            let now = asked + SECOND;
            let change = source.received(&media("", first, 5), &context(), false, asked, now);
            (change.unwrap(), source.due().saturating_sub(asked))
        };
        assert_eq!(look(11, 4 * SECOND), (Change::Advanced, 4 * SECOND));
        assert_eq!(look(11, 8 * SECOND), (Change::Unchanged, 2 * SECOND));
        assert_eq!(look(10, 10 * SECOND), (Change::Stale, 2 * SECOND));
        assert_eq!(look(12, 12 * SECOND), (Change::Advanced, 4 * SECOND));
    }

    #[test]
    fn a_server_that_blocks_is_asked_at_once_as_long_as_it_has_something() {
        let control = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24\n";
        let mut source = source(control);
        assert_eq!(source.due(), SHORTEST_DELAY);
        let directives = source.directives(SECOND);
        assert_eq!(directives.media_sequence_number, Some(15));
        assert!(directives.skip.is_some() && directives.part.is_none());
        let mut look = |first: u64, asked: Duration| {
            let copy = media(control, first, 5);
            source
                .received(&copy, &context(), true, asked, asked)
                .unwrap();
            source.due().saturating_sub(asked)
        };
        assert_eq!(look(11, SECOND), SHORTEST_DELAY);
        // It answers without waiting and without anything new: not as fast as the line allows.
        assert_eq!(look(11, 2 * SECOND), 2 * SECOND);
        source.failed(3 * SECOND);
        assert_eq!(source.directives(4 * SECOND), DeliveryDirectives::default());
    }

    #[test]
    fn trouble_is_waited_for_with_growing_pauses_and_not_for_ever() {
        let mut source = source("");
        let (mut now, mut looks) = (Duration::ZERO, 0);
        let patience = 600 * SECOND;
        while source.dead(source.due(), patience).is_none() {
            assert!(source.due().saturating_sub(now) <= LONGEST_PAUSE);
            now = source.due();
            source.failed(now);
            looks += 1;
        }
        assert!(
            now + LONGEST_PAUSE >= patience && (40..60).contains(&looks),
            "{looks} in {now:?}"
        );
        assert_eq!(source.dead(source.due(), patience), Some(Dead::Unreachable));
        // Back again, with what came meanwhile.
        source
            .received(&media("", 60, 5), &context(), false, now, now)
            .unwrap();
        assert_eq!(source.dead(now + 599 * SECOND, patience), None);
        assert_eq!(
            source.dead(now + 600 * SECOND, patience),
            Some(Dead::Silent)
        );
    }

    #[test]
    fn a_stream_that_begins_again_under_the_names_of_before_is_believed_in_the_end() {
        let mut source = source("");
        let again = media("", 10, 2);
        let mut now = Duration::ZERO;
        while source.epoch() == 0 {
            assert!(now <= 2 * STALE_LIMIT);
            now = source.due();
            source
                .received(&again, &context(), false, now, now)
                .unwrap();
        }
        assert!(now >= STALE_LIMIT);
        assert_eq!(source.timeline.segments().len(), 2);
    }

    #[test]
    fn edges_that_lag_by_a_whole_window_begin_no_stream() {
        let mut source = source("");
        let mut look = |first: u64| {
            let (context, copy) = (context(), media("", first, 5));
            source
                .received(&copy, &context, false, SECOND, SECOND)
                .unwrap();
            (source.epoch(), source.timeline.media_sequence())
        };
        assert_eq!(look(14), (0, 14));
        assert_eq!(look(18), (0, 18));
        assert_eq!(look(10), (0, 18));
        assert_eq!(look(19), (0, 19));
        // That is another one.
        assert_eq!(look(0), (1, 0));
        assert_eq!(look(19), (1, 0));
        assert_eq!(look(2), (1, 2));
    }
}

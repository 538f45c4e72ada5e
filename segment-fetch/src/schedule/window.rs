//! How many requests to one host are in flight.

use std::time::Duration;

/// A round is judged after this time at the latest, so that long transfers do not hide what more of them would bring.
const LONGEST_ROUND: Duration = Duration::from_secs(1);
/// Less time than this says nothing about a pace.
const SHORTEST_ROUND: Duration = Duration::from_millis(15);
/// What a response is worth besides its body: without it, empty bodies would have no pace.
const RESPONSE: u64 = 512;
/// How much more goodput twice the requests must bring to be doubled again.
const STARTUP_GAIN: f64 = 1.25;
/// Rounds to rest before one more is tried; doubled with each try in vain, up to `MOST_PATIENCE`.
const PATIENCE: u32 = 4;
const MOST_PATIENCE: u32 = 64;

/// How many requests to one host are worth having in flight, learnt from what they bring.
///
/// It begins like a TCP connection: each round trip the number doubles while goodput (bytes of bodies per time) follows.
/// When it does not, as on a line that is full, the number goes back to what the goodput was worth, and from then on a few
/// more are tried now and then, and kept if they bring something. A server that refuses (429, 503) or breaks connections
/// halves the number, once for all requests that were in flight together.
///
/// ```
/// use std::time::Duration;
/// use segment_fetch::schedule::Window;
///
/// let mut window = Window::new(6, 16);
/// for _ in 0..6 {
///     window.started(Duration::ZERO, 6);
/// }
/// let round_trip = Duration::from_millis(80);
/// for _ in 0..6 {
///     window.received(round_trip, 50_000);
///     window.ended(round_trip);
/// }
/// assert_eq!(window.size(), 12, "there is nothing yet that speaks against more");
/// window.congested(round_trip * 2, round_trip);
/// assert_eq!(window.size(), 6);
/// ```
#[derive(Debug, Clone)]
pub struct Window {
    size: usize,
    most: usize,
    phase: Phase,
    round: Round,
    reduced_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Always the same.
    Fixed,
    /// Doubles each round while goodput follows; `before` is the last size and what it brought.
    Startup { before: Option<(usize, f64)> },
    /// Keeps the size for `rest` rounds.
    Steady {
        goodput: Option<f64>,
        rest: u32,
        patience: u32,
    },
    /// Tries whether more than `from` brings more than `goodput`.
    Probing {
        from: usize,
        goodput: f64,
        patience: u32,
    },
}

/// What happened since the size was last judged.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    began: Duration,
    worth: u64,
    ended: usize,
    /// Whether as many were in flight as allowed: else the pace says nothing about the size.
    filled: bool,
}

impl Window {
    /// Begins with `start` and goes up to `most`. Both count as at least one.
    pub fn new(start: usize, most: usize) -> Self {
        let most = most.max(1);
        Window {
            size: start.clamp(1, most),
            most,
            phase: Phase::Startup { before: None },
            round: Round::default(),
            reduced_at: None,
        }
    }

    /// Always `size`, whatever happens.
    pub fn fixed(size: usize) -> Self {
        Window {
            phase: Phase::Fixed,
            ..Window::new(size, size)
        }
    }

    /// How many requests may be in flight now: from one to the most that was set.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sets another upper bound, as when the server turns out to speak HTTP/2, where requests share a connection.
    pub fn set_most(&mut self, most: usize) {
        if matches!(self.phase, Phase::Fixed) {
            return;
        }
        let was_full = self.size == self.most;
        self.most = most.max(1);
        self.size = self.size.min(self.most);
        if let Phase::Steady {
            goodput: Some(goodput),
            ..
        } = self.phase
            && was_full
            && self.size < self.most
        {
            self.phase = Phase::Startup {
                before: Some((self.size, goodput)),
            };
        }
    }

    /// A request was sent, and `in_flight` are now under way, itself included.
    pub fn started(&mut self, now: Duration, in_flight: usize) {
        if in_flight <= 1 {
            self.begin_round(now);
        }
        self.round.filled |= in_flight >= self.size;
    }

    /// Bytes of a body came.
    pub fn received(&mut self, now: Duration, bytes: u64) {
        self.round.worth = self.round.worth.saturating_add(bytes);
        if self.elapsed(now) >= LONGEST_ROUND {
            self.judge(now);
        }
    }

    /// A request ended as it should.
    pub fn ended(&mut self, now: Duration) {
        self.round.ended = self.round.ended.saturating_add(1);
        self.round.worth = self.round.worth.saturating_add(RESPONSE);
        if self.round.ended >= self.size && self.elapsed(now) >= SHORTEST_ROUND {
            self.judge(now);
        }
    }

    /// A request that was sent at `began` was refused for now, or its connection broke.
    pub fn congested(&mut self, now: Duration, began: Duration) {
        if matches!(self.phase, Phase::Fixed) || self.reduced_at.is_some_and(|at| began < at) {
            return;
        }
        self.reduced_at = Some(now);
        self.size = (self.size / 2).max(1);
        self.phase = Phase::Steady {
            goodput: None,
            rest: PATIENCE,
            patience: PATIENCE,
        };
        self.begin_round(now);
    }

    fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.round.began)
    }

    fn begin_round(&mut self, now: Duration) {
        self.round = Round {
            began: now,
            ..Round::default()
        };
    }

    fn judge(&mut self, now: Duration) {
        let elapsed = self.elapsed(now).as_secs_f64();
        if self.round.filled && elapsed > 0.0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a pace is compared, not counted"
            )]
            let goodput = self.round.worth as f64 / elapsed;
            (self.size, self.phase) = self.judged(goodput);
        }
        self.begin_round(now);
    }

    /// What the goodput of a round means for the next.
    fn judged(&self, goodput: f64) -> (usize, Phase) {
        match self.phase {
            Phase::Fixed => (self.size, Phase::Fixed),
            Phase::Startup { before } => match before {
                Some((size, less)) if goodput < less * STARTUP_GAIN => {
                    let worth = scaled(size, goodput / less).clamp(size.min(self.size), self.size);
                    (worth, steady(goodput, PATIENCE))
                }
                _ if self.size == self.most => (self.size, steady(goodput, PATIENCE)),
                _ => {
                    let before = Some((self.size, goodput));
                    (self.grown(self.size), Phase::Startup { before })
                }
            },
            Phase::Steady {
                goodput: before,
                rest,
                patience,
            } => {
                // A round is noisy, several less so.
                let goodput = before.map_or(goodput, |before| before * 0.7 + goodput * 0.3);
                if rest > 0 || self.size == self.most {
                    let rest = rest.saturating_sub(1);
                    let goodput = Some(goodput);
                    return (
                        self.size,
                        Phase::Steady {
                            goodput,
                            rest,
                            patience,
                        },
                    );
                }
                let probing = Phase::Probing {
                    from: self.size,
                    goodput,
                    patience,
                };
                (self.grown(self.size / 4), probing)
            }
            Phase::Probing {
                from,
                goodput: before,
                patience,
            } => {
                // Half of what as much more would bring if nothing but the way were in the way.
                let enough = before * (1.0 + ratio(self.size, from)) / 2.0;
                if goodput >= enough {
                    (self.size, steady(goodput, 0))
                } else {
                    let patience = patience.saturating_mul(2).clamp(PATIENCE, MOST_PATIENCE);
                    let goodput = Some(before);
                    (
                        from,
                        Phase::Steady {
                            goodput,
                            rest: patience,
                            patience,
                        },
                    )
                }
            }
        }
    }

    fn grown(&self, by: usize) -> usize {
        self.size.saturating_add(by.max(1)).min(self.most)
    }
}

fn steady(goodput: f64, rest: u32) -> Phase {
    Phase::Steady {
        goodput: Some(goodput),
        rest,
        patience: PATIENCE,
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of requests are small")]
fn ratio(size: usize, to: usize) -> f64 {
    size as f64 / to.max(1) as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of requests are small and positive"
)]
fn scaled(size: usize, factor: f64) -> usize {
    (size as f64 * factor).round() as usize
}

//! Headers of PES packets, and times that go on where 33 bits end.

/// Ticks of 90 kHz after which time stamps begin again.
const WRAP: i64 = 1 << 33;

/// What the header of a PES packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PesHeader {
    /// Bytes before the payload.
    pub(crate) length: usize,
    /// Presentation and decoding time in ticks of 90 kHz, in 33 bits.
    pub(crate) times: Option<(i64, i64)>,
}

impl PesHeader {
    /// Reads the header at the start of a PES packet of audio or video.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [0, 0, 1, _, _, _, marker, flags, rest] = *bytes.first_chunk::<9>()? else {
            return None;
        };
        if marker & 0xc0 != 0x80 {
            return None;
        }
        let length = 9 + usize::from(rest);
        let times = (flags & 0x80 != 0)
            .then(|| {
                let presentation = time(bytes.get(9..14)?)?;
                let decoding = (flags & 0x40 != 0)
                    .then(|| time(bytes.get(14..19)?))
                    .flatten();
                Some((presentation, decoding.unwrap_or(presentation)))
            })
            .flatten();
        (length <= bytes.len()).then_some(Self { length, times })
    }
}

fn time(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.first_chunk::<5>()?;
    let [high, .., low_high, low] = *bytes;
    let middle = u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?]) >> 1;
    let lowest = u16::from_be_bytes([low_high, low]) >> 1;
    Some(i64::from(high >> 1 & 7) << 30 | i64::from(middle) << 15 | i64::from(lowest))
}

/// Counts on over the end of 33 bits: each time is taken to be the one nearest to the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// A clock that has shown a time already: that of another stream, which this one is near to.
    pub(crate) fn at(time: Option<i64>) -> Self {
        Self { last: time }
    }

    pub(crate) fn unwrap(&mut self, time: i64) -> i64 {
        let unwrapped = self.near(time);
        self.last = Some(unwrapped);
        unwrapped
    }

    /// The same without remembering it.
    pub(crate) fn near(&self, time: i64) -> i64 {
        match self.last {
            None => time,
            Some(last) => {
                let distance = (time - last).rem_euclid(WRAP);
                last + if distance >= WRAP / 2 {
                    distance - WRAP
                } else {
                    distance
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_over_the_end_and_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.unwrap(WRAP - 10), WRAP - 10);
        assert_eq!(clock.unwrap(5), WRAP + 5);
        assert_eq!(clock.unwrap(WRAP - 1), WRAP - 1);
        assert_eq!(clock.unwrap(0), WRAP);
    }
}

//! Variant qualifiers: expressions that choose among variants.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, excerpt};
use crate::variant::{Multivariant, RenditionKind, Variant};

/// A condition on variants: comparisons joined by `&&`, or `max:KEY` or `min:KEY`.
///
/// Keys: `height`, `width`, `peak-bitrate`, `average-bitrate`, `frame-rate`, `codec`, `video-range`, `channels`, `sample-rate`, `score`. Operators: `<`, `<=`,
/// `>`, `>=`, `=` (or `==`), `!=`; `codec` and `video-range` have only the last two. Numbers may have a point and end in `K` or `M`. `codec=avc1` holds when
/// an entry of `CODECS` starts with `avc1`. What a variant does not declare never matches, not even with `!=`.
///
/// ```
/// use hls_parse::Qualifier;
///
/// let qualifier: Qualifier = "height <= 1080 && codec == hvc1 && peak-bitrate<=2.5M".parse()?;
/// assert_eq!(qualifier.to_string(), "height<=1080 && codec=hvc1 && peak-bitrate<=2500000");
/// let error = "heigth<=1080".parse::<Qualifier>().unwrap_err();
/// assert!(error.to_string().contains("position 1"));
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualifier {
    expression: Expression,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    All(Vec<Comparison>),
    Maximum(Key),
    Minimum(Key),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    key: Key,
    operator: Operator,
    operand: Operand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Height,
    Width,
    PeakBitrate,
    AverageBitrate,
    FrameRate,
    Codec,
    VideoRange,
    Channels,
    SampleRate,
    Score,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    /// In billionths.
    Number(u128),
    Text(String),
}

const BILLION: u128 = 1_000_000_000;

impl Key {
    const ALL: [(&'static str, Self); 10] = [
        ("height", Self::Height),
        ("width", Self::Width),
        ("peak-bitrate", Self::PeakBitrate),
        ("average-bitrate", Self::AverageBitrate),
        ("frame-rate", Self::FrameRate),
        ("codec", Self::Codec),
        ("video-range", Self::VideoRange),
        ("channels", Self::Channels),
        ("sample-rate", Self::SampleRate),
        ("score", Self::Score),
    ];

    fn is_text(self) -> bool {
        matches!(self, Self::Codec | Self::VideoRange)
    }

    fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, key)| *key == self)
            .map_or("", |(name, _)| name)
    }

    /// The declared numbers in billionths: one of the variant, or one of each member of its audio group.
    fn numbers(self, variant: &Variant, of: &Multivariant) -> Vec<u128> {
        let whole = |number: Option<u64>| {
            number
                .map(|number| u128::from(number) * BILLION)
                .into_iter()
                .collect()
        };
        let audio = |number: fn(&crate::Rendition) -> Option<u64>| {
            let group = variant.audio();
            let members = of.renditions.iter().filter(|rendition| {
                rendition.kind == RenditionKind::Audio && Some(rendition.group_id()) == group
            });
            members
                .filter_map(number)
                .map(|number| u128::from(number) * BILLION)
                .collect()
        };
        match self {
            Self::Height => whole(variant.resolution.map(|size| size.height)),
            Self::Width => whole(variant.resolution.map(|size| size.width)),
            Self::PeakBitrate => whole(variant.bandwidth),
            Self::AverageBitrate => whole(variant.average_bandwidth),
            Self::FrameRate => variant
                .frame_rate
                .iter()
                .map(|rate| u128::from(rate.billionths()))
                .collect(),
            Self::Score => variant
                .score
                .iter()
                .map(|score| u128::from(score.billionths()))
                .collect(),
            Self::Channels => audio(crate::Rendition::channel_count),
            Self::SampleRate => audio(|rendition| rendition.sample_rate),
            Self::Codec | Self::VideoRange => Vec::new(),
        }
    }
}

impl Operator {
    /// Longer ones first, so that `<` does not hide `<=`.
    const ALL: [(&'static str, Self); 7] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("!=", Self::NotEqual),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
        }
    }

    fn holds(self, left: u128, right: u128) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

impl Comparison {
    fn holds(&self, variant: &Variant, of: &Multivariant) -> bool {
        let wants_equal = self.operator == Operator::Equal;
        match (&self.operand, self.key) {
            (Operand::Number(number), key) => key
                .numbers(variant, of)
                .into_iter()
                .any(|declared| self.operator.holds(declared, *number)),
            (Operand::Text(text), Key::Codec) => {
                let mut codecs = variant.codec_list().peekable();
                codecs.peek().is_some()
                    && codecs.any(|codec| starts_with(codec, text)) == wants_equal
            }
            (Operand::Text(text), _) => variant
                .video_range()
                .is_some_and(|range| range.as_str().eq_ignore_ascii_case(text) == wants_equal),
        }
    }
}

fn starts_with(codec: &str, prefix: &str) -> bool {
    codec
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl Qualifier {
    /// Those of some variants, given by index in order, that match.
    pub(crate) fn matches(&self, of: &Multivariant, among: &[usize]) -> Vec<usize> {
        let indexed = among
            .iter()
            .filter_map(|&index| Some((index, of.variants.get(index)?)));
        let best = |key: Key, pick: fn(u128, u128) -> u128| {
            let values: Vec<_> = indexed
                .clone()
                .filter_map(|(index, variant)| {
                    Some((index, key.numbers(variant, of).into_iter().reduce(pick)?))
                })
                .collect();
            let best = values.iter().map(|(_, value)| *value).reduce(pick);
            values
                .into_iter()
                .filter(|(_, value)| Some(*value) == best)
                .map(|(index, _)| index)
                .collect()
        };
        match &self.expression {
            Expression::All(comparisons) => indexed
                .filter(|(_, variant)| {
                    comparisons
                        .iter()
                        .all(|comparison| comparison.holds(variant, of))
                })
                .map(|(index, _)| index)
                .collect(),
            Expression::Maximum(key) => best(*key, u128::max),
            Expression::Minimum(key) => best(*key, u128::min),
        }
    }
}

impl FromStr for Qualifier {
    type Err = Error;

    /// Reads an expression.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`] with the position, counted from 1, and what is allowed there.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut cursor = Cursor { text, position: 0 };
        for (prefix, maximum) in [("max:", true), ("min:", false)] {
            if cursor.take(prefix) {
                let key = cursor.key()?;
                if key.is_text() {
                    return Err(cursor.error("a key with numbers"));
                }
                cursor.end()?;
                let expression = if maximum {
                    Expression::Maximum(key)
                } else {
                    Expression::Minimum(key)
                };
                return Ok(Self { expression });
            }
        }
        let mut comparisons = vec![cursor.comparison()?];
        while cursor.take("&&") {
            comparisons.push(cursor.comparison()?);
        }
        cursor.end()?;
        Ok(Self {
            expression: Expression::All(comparisons),
        })
    }
}

/// A place in an expression.
struct Cursor<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '=' | '!' | '&'))
            .unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn error(&mut self, expected: &str) -> Error {
        let found = match self.word() {
            "" => excerpt(self.rest()),
            word => excerpt(word),
        };
        let position = self
            .text
            .get(..self.position)
            .map_or(0, |before| before.chars().count())
            + 1;
        let found = if found.is_empty() {
            "the end".to_owned()
        } else {
            format!("\"{found}\"")
        };
        Error::new(
            ErrorKind::InvalidExpression,
            format!(
                "expected {expected} at position {position} of the variant qualifier, found {found}"
            ),
        )
    }

    fn key(&mut self) -> Result<Key, Error> {
        let word = self.word();
        if let Some((name, key)) = Key::ALL.iter().find(|(name, _)| *name == word) {
            self.position += name.len();
            Ok(*key)
        } else {
            let names = Key::ALL.map(|(name, _)| name).join(", ");
            Err(self.error(&format!("one of {names}")))
        }
    }

    fn comparison(&mut self) -> Result<Comparison, Error> {
        let key = self.key()?;
        let rest = self.rest();
        let found = Operator::ALL.iter().find(|(token, operator)| {
            let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
            rest.starts_with(token) && (equality || !key.is_text())
        });
        let Some((token, operator)) = found else {
            return Err(self.error(if key.is_text() {
                "= or !="
            } else {
                "<, <=, >, >=, = or !="
            }));
        };
        self.position += token.len();
        let word = self.word();
        let operand = if key.is_text() {
            (!word.is_empty()).then(|| Operand::Text(word.to_owned()))
        } else {
            number(word).map(Operand::Number)
        };
        let Some(operand) = operand else {
            return Err(self.error(if key.is_text() {
                "a name"
            } else {
                "a number such as 1080, 29.97 or 3M"
            }));
        };
        self.position += word.len();
        Ok(Comparison {
            key,
            operator: *operator,
            operand,
        })
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.error("&& or the end"))
    }
}

/// A number with at most nine digits after the point and an optional unit, in billionths.
fn number(text: &str) -> Option<u128> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1_000),
        (at, 'm' | 'M') => (text.get(..at)?, 1_000_000),
        _ => (text, 1),
    };
    crate::value::decimal_billionths(digits.as_bytes())
        .map(|billionths| u128::from(billionths) * unit)
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expression {
            Expression::Maximum(key) => write!(f, "max:{}", key.as_str()),
            Expression::Minimum(key) => write!(f, "min:{}", key.as_str()),
            Expression::All(comparisons) => {
                for (index, comparison) in comparisons.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" && ")?;
                    }
                    write!(
                        f,
                        "{}{}",
                        comparison.key.as_str(),
                        comparison.operator.as_str()
                    )?;
                    match &comparison.operand {
                        Operand::Text(text) => f.write_str(text)?,
                        Operand::Number(number) => {
                            let (whole, fraction) = (number / BILLION, number % BILLION);
                            write!(f, "{whole}")?;
                            if fraction > 0 {
                                let digits = format!("{fraction:09}");
                                write!(f, ".{}", digits.trim_end_matches('0'))?;
                            }
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Qualifier {
    /// The expression as text.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Qualifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

//! Which interstitials are wanted.

use std::fmt;
use std::str::FromStr;

use hls_parse::{DateRange, SelectionRequest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// Which interstitials are downloaded with an asset, and what of them. Those that no criterion names are not asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InterstitialRequest {
    /// An interstitial is wanted that one of these names.
    pub criteria: Vec<InterstitialCriterion>,
    /// Which variant and renditions of each are taken; `None` for the choice that was made for the primary content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionRequest>,
}

/// Names interstitials. As text: `all`, `pre`, `mid`, `post`, or `id=ID`, where an ID that ends with `*` names all that begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterstitialCriterion {
    /// Every interstitial.
    All,
    /// Those played before the primary content.
    PreRoll,
    /// Those played at their place inside the primary content.
    MidRoll,
    /// Those played after the primary content.
    PostRoll,
    /// Those whose date range has this ID, or one that begins with it when it ends with `*`.
    Id(String),
}

impl InterstitialRequest {
    /// The interstitials that one of the criteria names, with the choice made for the primary content.
    pub fn new(criteria: Vec<InterstitialCriterion>) -> Self {
        Self {
            criteria,
            selection: None,
        }
    }

    pub(super) fn names(&self, range: &DateRange) -> bool {
        self.criteria.iter().any(|criterion| criterion.names(range))
    }
}

impl InterstitialCriterion {
    fn names(&self, range: &DateRange) -> bool {
        match self {
            Self::All => true,
            Self::PreRoll => range.cue.pre,
            Self::MidRoll => !range.cue.pre && !range.cue.post,
            Self::PostRoll => range.cue.post,
            Self::Id(id) => match id.strip_suffix('*') {
                Some(start) => range.id.starts_with(start),
                None => range.id.as_str() == id,
            },
        }
    }
}

impl FromStr for InterstitialCriterion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "all" => Self::All,
            "pre" => Self::PreRoll,
            "mid" => Self::MidRoll,
            "post" => Self::PostRoll,
            _ => match text.strip_prefix("id=") {
                Some(id) if !id.is_empty() => Self::Id(id.to_owned()),
                _ => {
                    return Err(Error::usage(format!("`{text}` names no interstitials"))
                        .hint("say `all`, `pre`, `mid`, `post` or `id=ID`"));
                }
            },
        })
    }
}

impl fmt::Display for InterstitialCriterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::PreRoll => f.write_str("pre"),
            Self::MidRoll => f.write_str("mid"),
            Self::PostRoll => f.write_str("post"),
            Self::Id(id) => write!(f, "id={id}"),
        }
    }
}

impl Serialize for InterstitialCriterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InterstitialCriterion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error: Error| serde::de::Error::custom(error.one_line()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_what_they_say() {
        for text in ["all", "pre", "mid", "post", "id=ad-1", "id=ad*"] {
            let criterion: InterstitialCriterion = text.parse().unwrap();
            assert_eq!(criterion.to_string(), text);
            let json = serde_json::to_string(&criterion).unwrap();
            assert_eq!(
                serde_json::from_str::<InterstitialCriterion>(&json).unwrap(),
                criterion
            );
        }
        for text in ["", "none", "ALL", "id=", "class=x"] {
            assert!(text.parse::<InterstitialCriterion>().is_err(), "{text}");
        }
    }
}

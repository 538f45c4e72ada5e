//! Asset lists from and to JSON.

use std::fmt;
use std::time::Duration;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{AssetList, AssetListDefect, ListedAsset};
use crate::interstitial::SkipControl;
use crate::value;

const ASSETS: &str = "ASSETS";
const SKIP_CONTROL: &str = "SKIP-CONTROL";
const URI: &str = "URI";
const DURATION: &str = "DURATION";
const OFFSET: &str = "OFFSET";
const LABEL_ID: &str = "LABEL-ID";

const NO_DURATION: &str = "has a DURATION that is no time; it was left out";

impl<'de> Deserialize<'de> for AssetList {
    /// Of members of one name the last one counts, as in every JSON that players read.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = AssetList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an asset list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AssetList, A::Error> {
        let mut assets = None;
        let mut skip = (None, Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                ASSETS => assets = Some(map.next_value_seed(Assets)?),
                SKIP_CONTROL => skip = read_skip_control(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let (assets, mut defects) = assets.ok_or_else(|| A::Error::missing_field(ASSETS))?;
        let (skip_control, of_skip_control) = skip;
        defects.extend(of_skip_control);
        Ok(AssetList {
            assets,
            skip_control,
            defects,
        })
    }
}

fn read_skip_control(value: Loose) -> (Option<SkipControl>, Vec<AssetListDefect>) {
    let mut defects = Vec::new();
    let mut defect = |what| defects.push(AssetListDefect { asset: None, what });
    let Loose::Object(members) = value else {
        defect("is no object; it was left out");
        return (None, defects);
    };
    let mut duration = |value: &Scalar, what| {
        let duration = value.duration();
        if duration.is_none() {
            defect(what);
        }
        duration
    };
    let control = SkipControl {
        offset: (members.offset.as_ref())
            .and_then(|value| duration(value, "has an OFFSET that is no time; it was left out")),
        duration: (members.duration.as_ref()).and_then(|value| duration(value, NO_DURATION)),
        label_id: match members.label_id {
            None => None,
            Some(Scalar::Text(label)) => Some(label),
            Some(_) => {
                defect("has a LABEL-ID that is no text; it was left out");
                None
            }
        },
    };
    (
        (control != SkipControl::default()).then_some(control),
        defects,
    )
}

/// The array `ASSETS`.
struct Assets;

impl<'de> DeserializeSeed<'de> for Assets {
    type Value = (Vec<ListedAsset>, Vec<AssetListDefect>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Assets {
    type Value = (Vec<ListedAsset>, Vec<AssetListDefect>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of assets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let (mut assets, mut defects) = (Vec::new(), Vec::new());
        let mut index = 0;
        while let Some(value) = sequence.next_element::<Loose>()? {
            if index == AssetList::MAX_ASSETS {
                let most = AssetList::MAX_ASSETS;
                return Err(A::Error::custom(format_args!("more than {most} assets")));
            }
            let mut defect = |what| {
                defects.push(AssetListDefect {
                    asset: Some(index),
                    what,
                });
            };
            match value {
                Loose::Object(members) => match members.uri {
                    Some(Scalar::Text(uri)) if !uri.is_empty() => {
                        let duration = members.duration.as_ref().and_then(Scalar::duration);
                        if duration.is_none() {
                            defect(match members.duration {
                                Some(_) => NO_DURATION,
                                None => "has no DURATION",
                            });
                        }
                        assets.push(ListedAsset { uri, duration });
                    }
                    _ => defect("has no URI; it was left out"),
                },
                Loose::Other => defect("is no object; it was left out"),
            }
            index += 1;
        }
        Ok((assets, defects))
    }
}

/// An object of which the members that mean something are kept, or something else.
enum Loose {
    Object(Members),
    Other,
}

/// The members of assets and of `SKIP-CONTROL`.
#[derive(Default)]
struct Members {
    uri: Option<Scalar>,
    duration: Option<Scalar>,
    offset: Option<Scalar>,
    label_id: Option<Scalar>,
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            let member = match name.as_str() {
                URI => &mut members.uri,
                DURATION => &mut members.duration,
                OFFSET => &mut members.offset,
                LABEL_ID => &mut members.label_id,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *member = Some(map.next_value()?);
        }
        Ok(Loose::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Loose, A::Error> {
        drain(sequence)?;
        Ok(Loose::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Other)
    }
}

/// The value of a member, whatever it should have been.
enum Scalar {
    Text(String),
    Number(f64),
    Other,
}

impl Scalar {
    /// Seconds; in quotes too, since players read that.
    fn duration(&self) -> Option<Duration> {
        match self {
            Self::Number(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            Self::Text(text) => {
                let billionths = value::decimal_billionths(text.trim().as_bytes())?;
                Some(Duration::from_nanos(billionths))
            }
            Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a duration that is too long for an exact number is none"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scalar, E> {
        // Only negative numbers come here.
        Ok(Scalar::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Scalar, A::Error> {
        drain(sequence)?;
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

fn drain<'de, A: SeqAccess<'de>>(mut sequence: A) -> Result<(), A::Error> {
    while sequence.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl Serialize for AssetList {
    /// As a server sends it; its defects are no part of it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(ASSETS, &self.assets)?;
        if let Some(control) = &self.skip_control {
            map.serialize_entry(SKIP_CONTROL, &WrittenSkipControl(control))?;
        }
        map.end()
    }
}

impl Serialize for ListedAsset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(URI, &self.uri)?;
        duration_entry(&mut map, DURATION, self.duration)?;
        map.end()
    }
}

struct WrittenSkipControl<'a>(&'a SkipControl);

impl Serialize for WrittenSkipControl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        duration_entry(&mut map, OFFSET, self.0.offset)?;
        duration_entry(&mut map, DURATION, self.0.duration)?;
        if let Some(label) = &self.0.label_id {
            map.serialize_entry(LABEL_ID, label)?;
        }
        map.end()
    }
}

/// Whole seconds as an integer, which is what `SKIP-CONTROL` is to have.
fn duration_entry<M: SerializeMap>(
    map: &mut M,
    name: &str,
    duration: Option<Duration>,
) -> Result<(), M::Error> {
    match duration {
        None => Ok(()),
        Some(whole) if whole.subsec_nanos() == 0 => map.serialize_entry(name, &whole.as_secs()),
        Some(duration) => map.serialize_entry(name, &duration.as_secs_f64()),
    }
}

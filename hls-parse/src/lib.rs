//! HTTP Live Streaming playlists: parse without loss, resolve, select, write localized copies

mod attributes;
mod check;
mod date;
mod diagnostic;
mod document;
mod error;
mod lines;
mod local;
mod media;
mod multivariant;
mod open_enum;
mod options;
mod parse;
mod playlist;
mod qualifier;
mod reference;
mod resolve;
mod resources;
mod rule;
mod selection;
mod tag;
mod timeline;
mod value;
mod variables;
mod variant;

pub use attributes::{Attribute, AttributeDefect, Attributes, attributes};
pub use diagnostic::{Diagnostic, Severity};
pub use document::Document;
pub use error::{Error, ErrorKind};
pub use lines::{Ending, Line, LineKind, Lines, lines};
pub use local::{LocalKey, LocalMedia, LocalMultivariant, local_multivariant_for_media};
pub use options::{ParseOptions, Strictness};
pub use parse::{parse, parse_with};
pub use playlist::{
    MediaPlaylist, MultivariantPlaylist, Parsed, Playlist, PlaylistType, Start, Tag,
};
pub use qualifier::Qualifier;
pub use resources::{Protection, Resource, ResourceKind};
pub use rule::Rule;
pub use selection::{RenditionRequest, Selection, SelectionRequest, Unmatched};
pub use tag::TagName;
pub use timeline::{Key, KeyMethod, Map, Segment, Timeline};
pub use value::{ByteRange, Decimal, Resolution};
pub use variables::{Context, Variables};
pub use variant::{
    ClosedCaptions, ContentSteering, HdcpLevel, Multivariant, Rendition, RenditionKind,
    SessionData, Variant, VideoRange,
};

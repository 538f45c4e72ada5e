//! Sections of the file that hold for some hosts.

use std::fmt;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue};
use segment_fetch::HostPattern;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::key;

/// What holds for some hosts, whatever leads there. The `Debug` form and what is serialized leave secrets out.
#[derive(Clone)]
#[non_exhaustive]
pub struct HostSettings {
    /// The hosts, as they are written.
    pub name: String,
    /// The same, read.
    pub hosts: HostPattern,
    /// Where it is said.
    pub line: usize,
    /// Headers for every request to them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A cookie file.
    pub cookies: Option<PathBuf>,
    /// The proxy for them, or the empty string for none.
    pub proxy: Option<String>,
    /// The `User-Agent` for them.
    pub user_agent: Option<String>,
    /// How many bytes a second may come from them.
    pub limit_rate: Option<u64>,
}

impl HostSettings {
    pub(super) fn new(name: &str, hosts: HostPattern, line: usize) -> Self {
        Self {
            name: name.to_owned(),
            hosts,
            line,
            headers: Vec::new(),
            cookies: None,
            proxy: None,
            user_agent: None,
            limit_rate: None,
        }
    }

    pub(super) fn has_secrets(&self) -> bool {
        let proxy = self.proxy.as_deref();
        !self.headers.is_empty() || proxy.is_some_and(|proxy| proxy.contains('@'))
    }

    fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What is said, by key, for people.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String)> {
        let headers = self.header_names().into_iter();
        let mut shown: Vec<_> = headers
            .map(|name| ("header", format!("{name}: …")))
            .collect();
        let cookies = self.cookies.as_ref().map(|path| path.display().to_string());
        let rate = self.limit_rate.map(|rate| rate.to_string());
        let proxy = self.proxy.as_deref().map(key::without_user);
        for (key, value) in [
            ("cookies", cookies),
            ("proxy", proxy),
            ("user-agent", self.user_agent.clone()),
            ("limit-rate", rate),
        ] {
            shown.extend(value.map(|value| (key, value)));
        }
        shown
    }
}

impl fmt::Debug for HostSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostSettings")
            .field("name", &self.name)
            .field("headers", &self.header_names())
            .finish_non_exhaustive()
    }
}

impl Serialize for HostSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("HostSettings", 7)?;
        fields.serialize_field("hosts", &self.name)?;
        fields.serialize_field("line", &self.line)?;
        fields.serialize_field("headers", &self.header_names())?;
        fields.serialize_field("cookies", &self.cookies)?;
        let proxy = self.proxy.as_deref().map(key::without_user);
        fields.serialize_field("proxy", &proxy)?;
        fields.serialize_field("user_agent", &self.user_agent)?;
        fields.serialize_field("limit_rate", &self.limit_rate)?;
        fields.end()
    }
}

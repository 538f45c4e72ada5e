//! How servers are reached.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use http::{HeaderName, HeaderValue};

use super::settings::HostSettings;
use super::value;

/// How to reach servers.
#[derive(Default, Args)]
#[command(next_help_heading = "Network")]
pub struct Connection {
    /// Send this header with every request (Cookie and Authorization to the server of the playlist only)
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = value::header)]
    pub headers: Vec<(HeaderName, HeaderValue)>,

    /// Send the cookies of this file (Netscape's format, as curl and browser extensions write it)
    #[arg(long, value_name = "FILE")]
    pub cookies: Option<PathBuf>,

    /// Say this instead of `offline/VERSION`
    #[arg(long, value_name = "NAME")]
    pub user_agent: Option<String>,

    /// Reach everything through this (http, https, socks5 or socks5h), or "" for nothing [default: as
    /// `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say]
    #[arg(long, value_name = "ADDRESS")]
    pub proxy: Option<String>,

    /// Trust the authorities (PEM) in this file too
    #[arg(long, value_name = "FILE")]
    pub cacert: Vec<PathBuf>,

    /// Show this certificate (PEM) to the server of the playlist
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// The key (PEM) of the certificate [default: in the same file]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Accept any certificate: whoever is on the way can read and change everything
    #[arg(long)]
    pub insecure: bool,

    /// Never more requests in flight than this [default: up to 16, with HTTP/2 64, as long as more help]
    #[arg(long, value_name = "N")]
    pub parallel: Option<NonZeroUsize>,

    /// Never more bytes a second than this, of all downloads together, for example 500K or 2M
    #[arg(long, value_name = "SIZE", value_parser = value::rate)]
    pub limit_rate: Option<u64>,

    /// What the configuration says of some hosts.
    #[arg(skip)]
    pub hosts: Vec<HostSettings>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

//! TLS: verified against the platform's trust store, to which `SSL_CERT_FILE` adds.
#![cfg(target_os = "linux")]

use segment_fetch::testing::{Origin, Resource, Site};

use crate::environment::{Environment, said};
use crate::stream::{playlist, transport_stream};

#[test]
fn https_is_verified() {
    let site = Site::new();
    site.route("/media.m3u8", Resource::new(playlist(3)));
    for index in 0..3_u64 {
        site.route(
            &format!("/segments/{index}.ts"),
            Resource::new(transport_stream(index, 20)),
        );
    }
    let origin = Origin::serve_tls(site).unwrap();
    let url = origin.url("/media.m3u8").to_string();
    assert!(url.starts_with("https://"));
    let environment = Environment::new();
    environment.run(["download", &url]).refused(4);
    assert!(environment.list().is_empty());

    let authority = environment.path("authority.pem");
    std::fs::write(&authority, origin.certificate().unwrap()).unwrap();
    let trusted = environment
        .command()
        .env("SSL_CERT_FILE", &authority)
        .args(["download", &url])
        .output()
        .unwrap();
    said(&trusted).fine();
    assert_eq!(environment.only()["state"], "completed");
}

//! Archives, above all those that nobody would make in good faith.

use std::io::{self, Read};
use std::time::Duration;

use asset_store::{Error, ErrorKind, GcOptions, ImportOptions, Imported, SkipReason, Store};
use tar::{Builder, EntryType, Header};

use super::{film, nothing_is_left, role};
use crate::support::{Scratch, contents, id, segment};

fn header(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    // As they are: the library refuses to write bad ones.
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

type Archive = Builder<Vec<u8>>;

fn file(archive: &mut Archive, name: &[u8], bytes: &[u8]) {
    let size = u64::try_from(bytes.len()).unwrap();
    let header = header(name, EntryType::Regular, size);
    archive.append(&header, bytes).unwrap();
}

/// One that begins well.
fn archive(more: impl FnOnce(&mut Archive)) -> Vec<u8> {
    let mut archive = Archive::new(Vec::new());
    file(&mut archive, b"first.ts", b"first");
    more(&mut archive);
    archive.into_inner().unwrap()
}

fn good() -> Vec<u8> {
    archive(|archive| {
        for (path, bytes) in film() {
            let mut header = header(b"", EntryType::Regular, u64::try_from(bytes.len()).unwrap());
            archive
                .append_data(&mut header, path, bytes.as_slice())
                .unwrap();
        }
    })
}

fn import(store: &Store, archive: impl Read, skip: bool) -> Result<Imported, Error> {
    let options = ImportOptions {
        skip,
        max_bytes: 1 << 20,
        ..ImportOptions::default()
    };
    store.import_tar(archive, &id("film"), &options, &mut role)
}

fn refused(archive: &[u8], kind: ErrorKind) {
    let scratch = Scratch::new();
    let store = scratch.store();
    let error = import(&store, archive, false).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    nothing_is_left(&scratch, &store);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in [
        b"../up".as_slice(),
        b"a/../../up",
        b"/etc/passwd",
        b"a//b",
        b"c:/windows",
        b"back\\slash",
        b"line\nfeed",
        b"\xff",
        b"folder/",
        b".",
    ] {
        refused(
            &archive(|archive| file(archive, name, b"x")),
            ErrorKind::InvalidName,
        );
    }
    // In long names too, of both kinds.
    let long = "../".repeat(60) + "up";
    refused(
        &archive(|archive| {
            let name = header(b"././@LongLink", EntryType::GNULongName, 182);
            archive.append(&name, long.as_bytes()).unwrap();
            file(archive, b"harmless", b"x");
        }),
        ErrorKind::InvalidName,
    );
    refused(
        &archive(|archive| {
            archive
                .append_pax_extensions([("path", long.as_bytes())])
                .unwrap();
            file(archive, b"harmless", b"x");
        }),
        ErrorKind::InvalidName,
    );
}

#[test]
fn names_that_collide_are_refused() {
    let twice = archive(|archive| file(archive, b"./first.ts", b"again"));
    refused(&twice, ErrorKind::InvalidName);
    let through = archive(|archive| file(archive, b"first.ts/second.ts", b"x"));
    refused(&through, ErrorKind::InvalidName);
}

#[test]
fn what_is_no_file_is_refused_or_left_out_by_name() {
    let mut kinds = vec![
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::new(b'V'),
    ];
    for &kind in &kinds {
        let one = archive(|archive| {
            let mut header = header(b"other", kind, 0);
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
            archive.append(&header, io::empty()).unwrap();
        });
        refused(&one, ErrorKind::NotImportable);
    }
    kinds.extend([EntryType::Directory, EntryType::XGlobalHeader]);
    let all = archive(|archive| {
        for &kind in &kinds {
            archive
                .append(&header(b"other", kind, 0), io::empty())
                .unwrap();
        }
        file(archive, b"/root", &[7; 5000]);
        file(archive, b"last.ts", b"last");
    });
    let scratch = Scratch::new();
    let store = scratch.store();
    let imported = import(&store, all.as_slice(), true).unwrap();
    assert_eq!((imported.files, imported.bytes), (2, 9));
    let reasons: Vec<_> = imported
        .skipped
        .iter()
        .map(|skipped| skipped.reason)
        .collect();
    let mut expected = vec![SkipReason::NoFile; 6];
    expected.push(SkipReason::Name);
    assert_eq!(reasons, expected);
    let paths: Vec<String> = store
        .asset(&id("film"))
        .unwrap()
        .entries()
        .keys()
        .cloned()
        .collect();
    assert_eq!(paths, ["first.ts", "last.ts"]);
}

#[test]
fn sparse_files_are_refused() {
    let old = archive(|archive| {
        let mut header = header(b"sparse", EntryType::GNUSparse, 0);
        header.as_gnu_mut().unwrap().set_real_size(0);
        header.set_cksum();
        archive.append(&header, io::empty()).unwrap();
    });
    refused(&old, ErrorKind::NotImportable);
    let new = archive(|archive| {
        archive
            .append_pax_extensions([("GNU.sparse.major", b"1".as_slice())])
            .unwrap();
        file(archive, b"GNUSparseFile.0/sparse", b"0\n");
    });
    refused(&new, ErrorKind::NotImportable);
}

#[test]
fn sizes_that_lie_are_noticed() {
    for size in [6, 4096, u64::MAX >> 1] {
        let mut lying = archive(|_| {});
        lying.truncate(1024);
        lying[..512].copy_from_slice(header(b"first.ts", EntryType::Regular, size).as_bytes());
        refused(&lying, ErrorKind::InvalidArchive);
    }
    // As long as there is more, it is the limit that ends it.
    let endless = header(b"zeros", EntryType::Regular, u64::MAX >> 1);
    let endless = endless.as_bytes().as_slice().chain(io::repeat(0));
    let scratch = Scratch::new();
    let store = scratch.store();
    let error = import(&store, endless, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    nothing_is_left(&scratch, &store);
    // A name without end needs no memory without end.
    let name = header(b"././@LongLink", EntryType::GNULongName, u64::MAX >> 1);
    let name = name.as_bytes().as_slice().chain(io::repeat(b'a'));
    let error = import(&store, name, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArchive);
    nothing_is_left(&scratch, &store);
}

#[test]
fn a_file_of_a_size_that_only_its_attributes_have_is_whole() {
    let archived = archive(|archive| {
        archive
            .append_pax_extensions([("size", b"5".as_slice())])
            .unwrap();
        let zero = header(b"second.ts", EntryType::Regular, 0);
        archive.append(&zero, b"12345\0".as_slice()).unwrap();
        file(archive, b"third.ts", b"third");
    });
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(
        import(&store, archived.as_slice(), false).unwrap().bytes,
        15
    );
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_no_asset() {
    let whole = good();
    let end = whole.len() - 1024;
    let scratch = Scratch::new();
    let store = scratch.store();
    for length in (0..=end).step_by(512).chain([1, 511, 1000, end - 1]) {
        let error = import(&store, &whole[..length], false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArchive, "{length}: {error}");
    }
    nothing_is_left(&scratch, &store);
    for byte in [0, 100, 124, 148, 156] {
        let mut damaged = whole.clone();
        damaged[byte] ^= 0x55;
        refused(&damaged, ErrorKind::InvalidArchive);
    }
    refused(b"", ErrorKind::InvalidArchive);
    refused(&[b'x'; 2048], ErrorKind::InvalidArchive);
    import(&store, whole.as_slice(), false).unwrap();
}

#[test]
fn a_reader_that_fails_says_so() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    for length in [0, 512, 700, 1024] {
        let archive = good();
        let error = import(&store, archive[..length].chain(Failing), false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "connection reset");
    }
    nothing_is_left(&scratch, &store);
}

/// Does something between any two pieces of the archive.
struct Beside<'a> {
    archive: &'a [u8],
    action: &'a mut dyn FnMut(),
}

impl Read for Beside<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.action)();
        let most = buffer.len().min(20_000);
        self.archive.read(&mut buffer[..most])
    }
}

#[test]
fn garbage_is_collected_beside_it_and_nobody_sees_it() {
    let scratch = Scratch::new();
    let (store, other) = (scratch.durable_store(), scratch.store());
    let archive = good();
    let options = GcOptions {
        min_age: Duration::ZERO,
        ..GcOptions::default()
    };
    let mut times = 0;
    let mut action = || {
        times += 1;
        other.collect_garbage(&options).unwrap();
        assert_eq!(other.asset_ids().unwrap(), []);
    };
    let beside = Beside {
        archive: &archive,
        action: &mut action,
    };
    import(&store, beside, false).unwrap();
    assert!(times > 10);
    other.collect_garbage(&options).unwrap();
    let mut expected = film();
    expected.insert("first.ts".to_owned(), b"first".to_vec());
    let asset = other.asset(&id("film")).unwrap();
    assert_eq!(
        contents(&other, &asset),
        expected.into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn an_id_that_is_taken_meanwhile_stays_whose_it_is() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let archive = good();
    let mut action = || {
        let writer = store.writer(&id("film")).unwrap();
        writer.put("mine", b"mine", segment()).unwrap();
    };
    let beside = Beside {
        archive: &archive,
        action: &mut action,
    };
    let error = import(&store, beside, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let asset = store.asset(&id("film")).unwrap();
    assert_eq!(
        contents(&store, &asset),
        [("mine".to_owned(), b"mine".to_vec())]
    );
    store.remove(&id("film")).unwrap();
    nothing_is_left(&scratch, &store);
}

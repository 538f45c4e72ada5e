//! The real file system.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use super::system::{Access, FileHandle, FileSystem, Item, Kind, Metadata, Name};

/// More than there are processors: what takes long is to wait for the medium.
const CALLS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// The file system of this machine.
#[derive(Debug)]
pub(crate) struct LocalFileSystem;

impl From<fs::FileType> for Kind {
    fn from(file_type: fs::FileType) -> Kind {
        if file_type.is_file() {
            Kind::File
        } else if file_type.is_dir() {
            Kind::Directory
        } else {
            Kind::Other
        }
    }
}

impl From<&fs::Metadata> for Metadata {
    fn from(metadata: &fs::Metadata) -> Metadata {
        Metadata {
            kind: Kind::from(metadata.file_type()),
            length: metadata.len(),
            modified: metadata.modified().ok(),
            read_only: metadata.permissions().readonly(),
            #[cfg(unix)]
            owner: Some(std::os::unix::fs::MetadataExt::uid(metadata)),
            #[cfg(not(unix))]
            owner: None,
            #[cfg(unix)]
            is_shared: std::os::unix::fs::MetadataExt::mode(metadata) & 0o022 != 0,
            #[cfg(not(unix))]
            is_shared: false,
        }
    }
}

fn directory_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn options(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    match access {
        Access::Read => options.read(true),
        Access::ReadWrite => options.read(true).write(true).create(true).truncate(false),
        Access::CreateNew => options.write(true).create_new(true),
        Access::Truncate => options.write(true).create(true).truncate(true),
    };
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;

        options.mode(0o600);
        if matches!(access, Access::Read) {
            // What took the place of a file is not followed, and not waited for.
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            options.custom_flags(flags.bits().cast_signed());
        }
    }
    options
}

#[cfg(target_os = "linux")]
fn share_blocks(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn share_blocks(_from: &File, _to: &File) -> bool {
    false
}

impl FileSystem for LocalFileSystem {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::symlink_metadata(path).map(|metadata| Metadata::from(&metadata))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn FileHandle>> {
        Ok(Box::new(options(access).open(path)?))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        directory_builder().create(path)
    }

    fn create_directory_all(&self, path: &Path) -> io::Result<()> {
        directory_builder().recursive(true).create(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        // Windows has no such call.
        if cfg!(unix) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_directory_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn copy_file(&self, from: &Path, to: &Path, hard_link: bool, secret: bool) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            let mode = if secret { 0o600 } else { 0o666 };
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        }
        #[cfg(not(unix))]
        let _ = secret;
        let mut source = File::open(from)?;
        let mut target = options.open(to)?;
        if share_blocks(&source, &target) {
            return Ok(());
        }
        if hard_link {
            drop(target);
            fs::remove_file(to)?;
            if fs::hard_link(from, to).is_ok() {
                return Ok(());
            }
            target = options.open(to)?;
        }
        // By `copy_file_range` on Linux.
        io::copy(&mut source, &mut target).map(drop)
    }

    fn make_immutable(&self, path: &Path, secret: bool) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if secret { 0o400 } else { 0o444 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        #[cfg(not(unix))]
        let _ = (path, secret);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Another process may delete between the listing and the look.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let metadata = Metadata::from(&metadata);
            items.push(Item {
                name,
                path: entry.path(),
                is_directory: metadata.kind == Kind::Directory,
                length: match metadata.kind {
                    Kind::File => metadata.length,
                    _ => 0,
                },
                modified: metadata.modified,
            });
        }
        Ok(items)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            #[cfg(unix)]
            let place = std::os::unix::fs::DirEntryExt::ino(&entry);
            #[cfg(not(unix))]
            let place = 0;
            if let Ok(name) = entry.file_name().into_string() {
                names.push(Name { name, place });
            }
        }
        Ok(names)
    }

    fn list_kinds(&self, path: &Path, most: usize) -> io::Result<Vec<(OsString, Kind)>> {
        let found = fs::read_dir(path)?.take(most).map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), Kind::from(entry.file_type()?)))
        });
        found.collect()
    }

    fn list_directories(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type().is_ok_and(|file_type| file_type.is_dir())
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        fs4::available_space(path)
    }

    fn volume_bytes(&self, path: &Path) -> io::Result<u64> {
        fs4::total_space(path)
    }

    fn user(&self) -> Option<u32> {
        #[cfg(unix)]
        let user = Some(rustix::process::geteuid().as_raw());
        #[cfg(not(unix))]
        let user = None;
        user
    }

    fn is_writable(&self, path: &Path) -> bool {
        #[cfg(unix)]
        let may = rustix::fs::access(
            path,
            rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
        )
        .is_ok();
        #[cfg(not(unix))]
        let may = fs::metadata(path).is_ok_and(|found| !found.permissions().readonly());
        may
    }

    fn lock_holders(&self, path: &Path) -> Vec<u32> {
        #[cfg(target_os = "linux")]
        let holders = listed_holders(path).unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        let holders = {
            let _ = path;
            Vec::new()
        };
        holders
    }

    fn calls_at_once(&self) -> NonZeroUsize {
        CALLS_AT_ONCE
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// From lines such as `1: FLOCK  ADVISORY  WRITE 708 fe:00:1234 0 EOF`: kind, process, device and inode.
#[cfg(target_os = "linux")]
fn listed_holders(path: &Path) -> io::Result<Vec<u32>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path)?;
    let device = metadata.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let place = format!("{major:02x}:{minor:02x}:{}", metadata.ino());
    let listed = fs::read_to_string("/proc/locks")?;
    let holder = |line: &str| {
        let mut words = line.split_whitespace().skip(4);
        let process = words.next()?.parse().ok()?;
        (words.next()? == place).then_some(process)
    };
    let mut holders: Vec<u32> = listed.lines().filter_map(holder).collect();
    holders.sort_unstable();
    holders.dedup();
    Ok(holders)
}

impl FileHandle for File {
    fn metadata(&self) -> io::Result<Metadata> {
        File::metadata(self).map(|metadata| Metadata::from(&metadata))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn start_write_back(&self, offset: u64, length: u64) {
        // Linux answers this advice by writing what is not yet written, and keeps that in memory; what it
        // drops is what has been written before.
        #[cfg(target_os = "linux")]
        if let Some(length) = std::num::NonZeroU64::new(length) {
            let advice = rustix::fs::Advice::DontNeed;
            let _ = rustix::fs::fadvise(self, offset, Some(length), advice);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (offset, length);
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate(&self, length: u64) -> io::Result<()> {
        use rustix::fs::FallocateFlags;
        use rustix::io::Errno;
        match rustix::fs::fallocate(self, FallocateFlags::KEEP_SIZE, 0, length) {
            Err(full @ (Errno::NOSPC | Errno::DQUOT)) => Err(full.into()),
            // Not every file system can.
            _ => Ok(()),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn allocate(&self, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        File::try_lock(self)
    }

    fn try_lock_shared(&self) -> Result<(), TryLockError> {
        File::try_lock_shared(self)
    }

    fn into_file(self: Box<Self>) -> io::Result<File> {
        Ok(*self)
    }
}

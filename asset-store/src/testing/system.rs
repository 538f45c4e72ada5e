//! The simulated system calls.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard};

use super::chance::Chance;
use super::disk::{DirectoryNode, Disk, FileNode, Node, NodeId, ROOT};
use super::file::SimulatedFile;
use super::{Fault, Flaw, Step};
use crate::completion::lock;
use crate::fs::{Access, FileHandle, FileSystem, Item, Kind, Metadata};

/// Deleting a file of this length makes room on a full disk.
const ENOUGH: usize = 1 << 20;

/// What all handles of one simulated system share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) disk: Disk,
    /// The disk before the first step, after the first, and so on.
    pub(super) history: Vec<Disk>,
    pub(super) steps: Vec<Step>,
    pub(super) flaw: Option<Flaw>,
    pub(super) fault: Option<(usize, Fault)>,
    pub(super) chance: Chance,
    pub(super) locks: Vec<Held>,
    handles: u64,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) node: NodeId,
    pub(super) handle: u64,
    pub(super) exclusive: bool,
}

impl State {
    pub(super) fn new(disk: Disk, flaw: Option<Flaw>) -> State {
        State {
            history: vec![disk.clone()],
            disk,
            steps: Vec::new(),
            flaw,
            fault: None,
            chance: Chance::new(0),
            locks: Vec::new(),
            handles: 0,
        }
    }

    fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut node = ROOT;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let directory = self
                    .disk
                    .directory(node)
                    .ok_or(io::ErrorKind::NotADirectory)?;
                let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
                node = *directory.live.get(name).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(node)
    }

    /// The folder and the name in it; the folder has to be there.
    fn place<'a>(&self, path: &'a Path) -> io::Result<(NodeId, &'a str)> {
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let name = path.file_name().and_then(|name| name.to_str());
        Ok((
            self.find(parent)?,
            name.ok_or(io::ErrorKind::InvalidFilename)?,
        ))
    }

    fn entry(&self, directory: NodeId, name: &str) -> Option<NodeId> {
        self.disk.directory(directory)?.live.get(name).copied()
    }

    pub(super) fn metadata(&self, node: NodeId) -> Metadata {
        match self.disk.node(node) {
            Node::File(file) => Metadata {
                kind: Kind::File,
                length: file.live.len() as u64,
                modified: Some(file.modified),
                read_only: file.mode & 0o200 == 0,
                owner: None,
                is_shared: false,
            },
            Node::Directory(_) => Metadata {
                kind: Kind::Directory,
                length: 0,
                modified: None,
                read_only: false,
                owner: None,
                is_shared: false,
            },
        }
    }

    /// The fault that the step about to be made runs into.
    pub(super) fn fault_of(&self, step: Step) -> Option<Fault> {
        let (at, fault) = self.fault?;
        let now = self.steps.len();
        let hit = match fault {
            Fault::Io => now == at,
            Fault::DiskFull => now >= at && step.takes_space(),
        };
        hit.then_some(fault)
    }

    /// One step: whatever goes before it can be kept or lost by a crash before or after.
    pub(super) fn step(&mut self, step: Step, change: impl FnOnce(&mut Disk)) -> io::Result<()> {
        let fault = self.fault_of(step);
        if fault.is_none() {
            change(&mut self.disk);
        }
        self.steps.push(step);
        self.history.push(self.disk.clone());
        fault.map_or(Ok(()), |fault| Err(fault.into_error()))
    }

    pub(super) fn sync_file(&mut self, node: NodeId, with_mode: bool) -> io::Result<()> {
        if self.fault_of(Step::SyncFile).is_some() {
            let chance = &mut self.chance;
            self.disk.change_file(node, |file| file.fail_sync(chance));
        }
        let idle = self.flaw == Some(Flaw::FileSyncDoesNothing);
        self.step(Step::SyncFile, |disk| {
            if !idle {
                disk.change_file(node, |file| file.sync(with_mode));
            }
        })
    }

    fn remove_below(&mut self, directory: NodeId) -> io::Result<()> {
        let names = self
            .disk
            .directory(directory)
            .map(|found| found.live.clone());
        for (name, node) in names.ok_or(io::ErrorKind::NotADirectory)? {
            let is_directory = self.disk.directory(node).is_some();
            if is_directory {
                self.remove_below(node)?;
            }
            self.step(Step::Remove, |disk| {
                disk.set_names(&[(directory, &name, None)]);
            })?;
        }
        Ok(())
    }
}

/// One simulated system; clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct SimulatedSystem(pub(super) Arc<Mutex<State>>);

impl SimulatedSystem {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl FileSystem for SimulatedSystem {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.state();
        Ok(state.metadata(state.find(path)?))
    }

    fn exists(&self, path: &Path) -> bool {
        self.state().find(path).is_ok()
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn FileHandle>> {
        let mut state = self.state();
        let (directory, name) = state.place(path)?;
        let node = match state.entry(directory, name) {
            Some(_) if access == Access::CreateNew => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Some(node) => {
                let file = state.disk.file(node).ok_or(io::ErrorKind::IsADirectory)?;
                if access != Access::Read && file.mode & 0o200 == 0 {
                    return Err(io::ErrorKind::PermissionDenied.into());
                }
                if access == Access::Truncate && !file.live.is_empty() {
                    state.step(Step::SetLength, |disk| {
                        disk.change_file(node, |file| file.set_length(0));
                    })?;
                }
                node
            }
            None if access == Access::Read => return Err(io::ErrorKind::NotFound.into()),
            None => {
                state.step(Step::Create, |disk| {
                    let node = disk.add(Node::File(FileNode::empty()));
                    disk.set_names(&[(directory, name, Some(node))]);
                })?;
                state.find(path)?
            }
        };
        state.handles += 1;
        Ok(Box::new(SimulatedFile {
            number: state.handles,
            system: self.clone(),
            node,
            position: 0,
            writable: access != Access::Read,
        }))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (parent, name) = state.place(path)?;
        if state.entry(parent, name).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.step(Step::CreateDirectory, |disk| {
            let node = disk.add(Node::Directory(DirectoryNode::default()));
            disk.set_names(&[(parent, name, Some(node))]);
        })
    }

    fn create_directory_all(&self, path: &Path) -> io::Result<()> {
        match self.create_directory(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create_directory_all(path.parent().ok_or(io::ErrorKind::NotFound)?)?;
                self.create_directory(path)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        let idle = state.flaw == Some(Flaw::DirectorySyncDoesNothing);
        state.step(Step::SyncDirectory, |disk| {
            if !idle {
                disk.sync_directory(node);
            }
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (from_directory, from_name) = state.place(from)?;
        let (to_directory, to_name) = state.place(to)?;
        let node = state.find(from)?;
        if state
            .find(to)
            .is_ok_and(|there| state.disk.file(there).is_none())
        {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        state.step(Step::Rename, |disk| {
            disk.set_names(&[
                (from_directory, from_name, None),
                (to_directory, to_name, Some(node)),
            ]);
        })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (directory, name) = state.place(path)?;
        let node = state.find(path)?;
        let length = state.disk.file(node).map(|file| file.live.len());
        let length = length.ok_or(io::ErrorKind::IsADirectory)?;
        state.step(Step::Remove, |disk| {
            disk.set_names(&[(directory, name, None)]);
        })?;
        if length >= ENOUGH && matches!(state.fault, Some((_, Fault::DiskFull))) {
            state.fault = None;
        }
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let (parent, name) = state.place(path)?;
        let node = state.find(path)?;
        let directory = state
            .disk
            .directory(node)
            .ok_or(io::ErrorKind::NotADirectory)?;
        if !directory.live.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        state.step(Step::Remove, |disk| disk.set_names(&[(parent, name, None)]))
    }

    fn remove_directory_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        state.remove_below(node)?;
        drop(state);
        self.remove_directory(path)
    }

    fn copy_file(&self, from: &Path, to: &Path, hard_link: bool, secret: bool) -> io::Result<()> {
        let mut state = self.state();
        let source = state.find(from)?;
        let (directory, name) = state.place(to)?;
        if state.entry(directory, name).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if hard_link {
            return state.step(Step::Create, |disk| {
                disk.set_names(&[(directory, name, Some(source))]);
            });
        }
        let content = state.disk.file(source).map(|file| Arc::clone(&file.live));
        let content = content.ok_or(io::ErrorKind::IsADirectory)?;
        state.step(Step::Create, |disk| {
            let node = disk.add(Node::File(FileNode::empty()));
            disk.set_names(&[(directory, name, Some(node))]);
        })?;
        let node = state.find(to)?;
        state.step(Step::Write, |disk| {
            disk.change_file(node, |file| {
                file.write(0, &content);
                file.mode = if secret { 0o600 } else { 0o644 };
            });
        })
    }

    fn make_immutable(&self, path: &Path, secret: bool) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        let mode = if secret { 0o400 } else { 0o444 };
        state.step(Step::SetMode, |disk| {
            disk.change_file(node, |file| file.mode = mode);
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Item>> {
        let state = self.state();
        let directory = state.disk.directory(state.find(path)?);
        let names = &directory.ok_or(io::ErrorKind::NotADirectory)?.live;
        let item = |(name, node): (&String, &NodeId)| {
            let metadata = state.metadata(*node);
            Item {
                name: name.clone(),
                path: path.join(name),
                is_directory: metadata.kind == Kind::Directory,
                length: metadata.length,
                modified: metadata.modified,
            }
        };
        Ok(names.iter().map(item).collect())
    }

    fn list_kinds(&self, path: &Path, most: usize) -> io::Result<Vec<(OsString, Kind)>> {
        let items = self.list(path)?.into_iter().take(most);
        let kinds = items.map(|item| match item {
            Item {
                is_directory: true,
                name,
                ..
            } => (name.into(), Kind::Directory),
            Item { name, .. } => (name.into(), Kind::File),
        });
        Ok(kinds.collect())
    }

    fn list_directories(&self, path: &Path) -> io::Result<Vec<String>> {
        let items = self.list(path)?.into_iter();
        Ok(items
            .filter(|item| item.is_directory)
            .map(|item| item.name)
            .collect())
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(1 << 40)
    }

    fn volume_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(1 << 40)
    }

    fn user(&self) -> Option<u32> {
        None
    }

    fn is_local(&self) -> bool {
        false
    }
}

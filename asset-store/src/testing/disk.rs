//! What a simulated disk holds: what programs see, what a power cut leaves, and what may go either
//! way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::chance::Chance;

/// The place of a node in [`Disk::nodes`]; the root is the first.
pub(super) type NodeId = usize;

pub(super) const ROOT: NodeId = 0;

/// Mode bits of new files.
pub(super) const PRIVATE: u32 = 0o600;

#[derive(Clone, Debug)]
pub(super) enum Node {
    File(FileNode),
    Directory(DirectoryNode),
}

#[derive(Clone, Debug)]
pub(super) struct FileNode {
    /// What programs see.
    pub(super) live: Arc<Vec<u8>>,
    /// What is on the medium for certain.
    durable: Arc<Vec<u8>>,
    /// What lies between the two, in order.
    pending: Vec<DataChange>,
    pub(super) mode: u32,
    durable_mode: u32,
    pub(super) modified: SystemTime,
}

#[derive(Clone, Debug)]
enum DataChange {
    Write { at: usize, bytes: Arc<[u8]> },
    Length(usize),
}

#[derive(Clone, Debug, Default)]
pub(super) struct DirectoryNode {
    pub(super) live: BTreeMap<String, NodeId>,
    durable: BTreeMap<String, NodeId>,
}

/// A name that was given or taken and is not on the medium for certain.
#[derive(Clone, Debug)]
struct NameChange {
    /// Changes of one system call: all of them happen or none.
    call: u64,
    directory: NodeId,
    name: Arc<str>,
    to: Option<NodeId>,
}

/// A disk at one moment. Clones share what they have in common.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    nodes: Vec<Arc<Node>>,
    names: Vec<NameChange>,
    calls: u64,
}

impl FileNode {
    fn new(content: Arc<Vec<u8>>, mode: u32) -> FileNode {
        FileNode {
            durable: Arc::clone(&content),
            live: content,
            pending: Vec::new(),
            mode,
            durable_mode: mode,
            modified: SystemTime::now(),
        }
    }

    /// An empty one that was just made.
    pub(super) fn empty() -> FileNode {
        FileNode::new(Arc::default(), PRIVATE)
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        let change = DataChange::Write {
            at,
            bytes: bytes.into(),
        };
        self.change(change);
    }

    pub(super) fn set_length(&mut self, length: usize) {
        self.change(DataChange::Length(length));
    }

    fn change(&mut self, change: DataChange) {
        change.apply(Arc::make_mut(&mut self.live));
        self.pending.push(change);
        self.modified = SystemTime::now();
    }

    pub(super) fn sync(&mut self, with_mode: bool) {
        for change in self.pending.drain(..) {
            change.apply(Arc::make_mut(&mut self.durable));
        }
        if with_mode {
            self.durable_mode = self.mode;
        }
    }

    fn is_durable(&self) -> bool {
        self.pending.is_empty() && self.live == self.durable && self.mode == self.durable_mode
    }

    /// What a failed sync does: some of the pages reached the medium, all count as clean. Programs
    /// may go on seeing them, or see what is on the medium.
    pub(super) fn fail_sync(&mut self, chance: &mut Chance) {
        self.durable = self.survivor(chance);
        self.pending.clear();
        if chance.coin() {
            self.live.clone_from(&self.durable);
        }
    }

    /// One of the contents that a power cut may leave: of each change all, nothing, or some blocks;
    /// and lengths that came without their bytes.
    fn survivor(&self, chance: &mut Chance) -> Arc<Vec<u8>> {
        let mut content = Vec::clone(&self.durable);
        // What was never written reads as zeros, or as what the blocks held before.
        let filler = if chance.coin() { 0 } else { 0xa5 };
        for change in &self.pending {
            match change {
                DataChange::Length(length) if chance.coin() => content.resize(*length, filler),
                DataChange::Length(_) => {}
                DataChange::Write { at, bytes } => {
                    for (start, end) in chance.surviving_blocks(*at, bytes.len()) {
                        write_at(&mut content, at + start, &bytes[start..end], filler);
                    }
                }
            }
        }
        if content.len() < self.live.len() && chance.coin() {
            content.resize(self.live.len(), filler);
        }
        Arc::new(content)
    }
}

impl DataChange {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            DataChange::Write { at, bytes } => write_at(content, *at, bytes, 0),
            DataChange::Length(length) => content.resize(*length, 0),
        }
    }
}

fn write_at(content: &mut Vec<u8>, at: usize, bytes: &[u8], filler: u8) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, filler);
    }
    content[at..end].copy_from_slice(bytes);
}

impl Disk {
    pub(super) fn new() -> Disk {
        Disk {
            nodes: vec![Arc::new(Node::Directory(DirectoryNode::default()))],
            names: Vec::new(),
            calls: 0,
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(super) fn directory(&self, id: NodeId) -> Option<&DirectoryNode> {
        match self.node(id) {
            Node::Directory(directory) => Some(directory),
            Node::File(_) => None,
        }
    }

    pub(super) fn file(&self, id: NodeId) -> Option<&FileNode> {
        match self.node(id) {
            Node::File(file) => Some(file),
            Node::Directory(_) => None,
        }
    }

    pub(super) fn change_file(&mut self, id: NodeId, change: impl FnOnce(&mut FileNode)) {
        if let Node::File(file) = Arc::make_mut(&mut self.nodes[id]) {
            change(file);
        }
    }

    fn change_directory(&mut self, id: NodeId, change: impl FnOnce(&mut DirectoryNode)) {
        if let Node::Directory(directory) = Arc::make_mut(&mut self.nodes[id]) {
            change(directory);
        }
    }

    /// Adds a node without a name.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(Arc::new(node));
        self.nodes.len() - 1
    }

    /// One call that gives and takes names: all of them or none survive a power cut.
    pub(super) fn set_names(&mut self, changes: &[(NodeId, &str, Option<NodeId>)]) {
        self.calls += 1;
        for &(directory, name, to) in changes {
            let change = NameChange {
                call: self.calls,
                directory,
                name: name.into(),
                to,
            };
            self.change_directory(directory, |node| change.apply(&mut node.live));
            self.names.push(change);
        }
    }

    pub(super) fn sync_directory(&mut self, id: NodeId) {
        let wanted = |change: &NameChange| change.directory == id;
        let chosen = self.names.iter().map(wanted).collect();
        self.make_durable(chosen);
    }

    /// Makes the chosen changes of names durable, and those they cannot be without: the rest of their
    /// calls, and what happened to the same names before.
    fn make_durable(&mut self, mut chosen: Vec<bool>) {
        loop {
            let mut calls = BTreeSet::new();
            let mut later = BTreeSet::new();
            let mut grown = false;
            for (change, _) in self
                .names
                .iter()
                .zip(&chosen)
                .filter(|(_, chosen)| **chosen)
            {
                calls.insert(change.call);
            }
            for (change, chosen) in self.names.iter().zip(&mut chosen).rev() {
                let place = (change.directory, &*change.name);
                if !*chosen && (calls.contains(&change.call) || later.contains(&place)) {
                    *chosen = true;
                    grown = true;
                }
                if *chosen {
                    later.insert(place);
                }
            }
            if !grown {
                break;
            }
        }
        let names = std::mem::take(&mut self.names);
        for (change, chosen) in names.into_iter().zip(chosen) {
            if chosen {
                self.change_directory(change.directory, |node| change.apply(&mut node.durable));
            } else {
                self.names.push(change);
            }
        }
    }

    /// One of the disks that a power cut at this moment may leave.
    pub(super) fn after_power_cut(&self, chance: &mut Chance) -> Disk {
        let mut disk = self.clone();
        let count = disk.names.len();
        // A journal keeps the order of names; without one each is on its own.
        let kept: Vec<bool> = match chance.below(4) {
            0 => vec![false; count],
            1 => {
                let first = chance.below(count + 1);
                (0..count).map(|position| position < first).collect()
            }
            2 => vec![true; count],
            _ => (0..count).map(|_| chance.coin()).collect(),
        };
        disk.make_durable(kept);
        disk.names.clear();
        // Of the bytes that were not synced nothing, everything, or anything.
        let bytes = chance.below(4);
        for node in &mut disk.nodes {
            match &**node {
                Node::Directory(directory) if directory.live == directory.durable => {}
                Node::File(file) if file.is_durable() => {}
                _ => match Arc::make_mut(node) {
                    Node::Directory(directory) => directory.live.clone_from(&directory.durable),
                    Node::File(file) => {
                        let content = match bytes {
                            0 => Arc::clone(&file.durable),
                            1 => {
                                file.sync(false);
                                Arc::clone(&file.durable)
                            }
                            _ => file.survivor(chance),
                        };
                        let mode = [file.mode, file.durable_mode][chance.below(2)];
                        *file = FileNode::new(content, mode);
                    }
                },
            }
        }
        disk
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, NodeId>) {
        match self.to {
            Some(node) => names.insert(self.name.to_string(), node),
            None => names.remove(&*self.name),
        };
    }
}

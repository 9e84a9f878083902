//! Sequences of calls to a set of nodes: pages come from nodes that the mask has, as many as there are, and go home.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::*;
use crate::fenced::Devices;

pub const NODES: usize = 3;
/// Room for pages of each node.
const ROOM: usize = 24;
/// All calls count as made here.
const HERE: usize = 1;

pub const POLICIES: [NodePolicy; 3] =
    [NodePolicy::Preferred, NodePolicy::Bind, NodePolicy::Interleave];

/// A set, what was taken from it, and what should be left.
pub struct Nodes<M: Mode> {
    set: NodeSet<M, NODES>,
    policy: NodePolicy,
    mask: SharedNodeMask,
    batch: NodeBatch<M, ROOM, NODES>,
    /// Single pages, with the nodes that they are of.
    pages: Vec<(usize, Page<M>)>,
    free: [usize; NODES],
    /// Pages that wait for the device.
    fenced: [usize; NODES],
    devices: Arc<Devices>,
}

impl<M: Mode> Nodes<M> {
    pub fn new(policy: NodePolicy, sizes: [usize; NODES]) -> Self {
        // Without caches every free page can be had.
        let devices = Devices::new();
        let fences = devices.fences();
        let pool = |pages| {
            let few = |builder: Builder<M>| builder.max_caches(1).shared_caches(0);
            build::<M>(pages, |builder| few(builder).magazine_capacity(8).fences(fences))
        };
        let set = NodeSet::new(sizes.map(pool)).expect("three pools alike");
        let set = set.here(|| HERE).policy(policy).distance(HERE, 2, 15);
        let mask = SharedNodeMask::new(NodeMask::ALL);
        let (batch, pages, fenced) = (NodeBatch::empty(), Vec::new(), [0; NODES]);
        Nodes { set, policy, mask, batch, pages, free: sizes, fenced, devices }
    }

    /// Whether a call may take pages of a node.
    fn may_take(&self, node: usize) -> bool {
        self.mask.get().contains(node) && (self.policy != NodePolicy::Bind || node == HERE)
    }

    pub fn step(&mut self, [kind, a, b]: [u8; 3]) {
        let node = usize::from(a) % NODES;
        match kind % 9 {
            0 => {
                _ = self.mask.set(
                    (0..NODES)
                        .filter(|node| a >> node & 1 == 1)
                        .fold(NodeMask::NONE, |mask, node| mask | NodeMask::of(node)),
                )
            }
            1 | 2 => self.alloc_bulk(usize::from(b) % (NODES * ROOM + 2)),
            3 => self.alloc(),
            4 => {
                let Some(page) = self.batch.of_mut(node).pop() else { return };
                self.pages.push((node, page));
            }
            5 => {
                let Some((node, page)) = self.pages.pop() else { return };
                assert_eq!(self.set.node_of(&page), Some(node));
                drop(page);
                self.free[node] += 1;
            }
            6 => {
                (0..NODES).for_each(|node| self.free[node] += self.batch.of(node).len());
                self.set.free_bulk(&mut self.batch);
            }
            7 => self.free_after(),
            _ => self.pass(),
        }
        self.check();
    }

    fn alloc_bulk(&mut self, want: usize) {
        let had: [usize; NODES] = std::array::from_fn(|node| self.batch.of(node).len());
        let most: [usize; NODES] = std::array::from_fn(|node| match self.may_take(node) {
            true => self.free[node].min(ROOM - had[node]),
            false => 0,
        });
        let bulk = self.set.alloc_bulk_masked(&mut self.batch, want, &self.mask);
        assert_eq!(bulk.allocated, want.min(most.iter().sum()), "{bulk:?} of {most:?}");
        assert_eq!(bulk.reason.is_none(), bulk.allocated == want, "{bulk:?}");
        let mut nearer_is_short = true;
        for node in [HERE, 2, 0] {
            let new = self.batch.of(node).len() - had[node];
            assert!(new <= most[node], "{new} of node {node}, which had {}", most[node]);
            self.free[node] -= new;
            if self.policy == NodePolicy::Preferred {
                assert!(new == 0 || nearer_is_short, "node {node} is not the nearest");
                nearer_is_short &= new == most[node];
            }
        }
    }

    /// All pages wait for what the device does next. A pool that has no magazine left says so.
    fn free_after(&mut self) {
        let had: [usize; NODES] = std::array::from_fn(|node| self.batch.of(node).len());
        let ticket = self.devices.first().done() + 1;
        let result = self.set.free_bulk_after(&mut self.batch, ticket);
        for (node, had) in had.into_iter().enumerate() {
            let left = self.batch.of(node).len();
            assert!(left == 0 || left == had && result == Err(FenceError::NoMagazine));
            self.fenced[node] += had - left;
        }
        assert_eq!(result.is_ok(), self.batch.is_empty(), "{result:?}");
    }

    /// The device has done what it was to do.
    fn pass(&mut self) {
        let device = self.devices.first();
        device.pass(device.done() + 1);
        for node in 0..NODES {
            let fenced = std::mem::take(&mut self.fenced[node]);
            let pool = self.set.pool(node).expect("a node");
            assert_eq!(pool.reap_fences(), fenced, "of node {node}");
            self.free[node] += fenced;
        }
    }

    fn alloc(&mut self) {
        let some = (0..NODES).any(|node| self.may_take(node) && self.free[node] > 0);
        let page = self.set.alloc_masked(&self.mask);
        assert_eq!(page.is_ok(), some, "{:?}", page.err());
        let Ok(page) = page else { return };
        let node = self.set.node_of(&page).expect("a node of the set");
        assert!(self.may_take(node));
        self.free[node] -= 1;
        self.pages.push((node, page));
    }

    /// Lets everything go.
    pub fn end(mut self) {
        self.pass();
        let pools: Vec<_> = (0..NODES).filter_map(|node| self.set.pool(node).cloned()).collect();
        drop(self);
        pools.into_iter().for_each(assert_whole);
    }

    /// Every page has one owner, and each pool has left what it should.
    fn check(&self) {
        for node in 0..NODES {
            let pool = self.set.pool(node).expect("a node");
            assert_adds_up(pool);
            let Pages { free, cached, .. } = pool.audit().pages;
            assert_eq!(free + cached, self.free[node] as u64, "of node {node}");
            let single = self.pages.iter().filter(|(of, _)| *of == node).map(|(_, page)| page.id());
            let ids: Vec<_> = self.batch.of(node).ids().iter().copied().chain(single).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "of node {node}");
            assert_eq!(ids.len() + self.free[node] + self.fenced[node], pool.capacity());
        }
    }
}

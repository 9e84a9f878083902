//! The calls of a set of nodes.

use core::iter;

use super::{NodeBatch, NodeMask, NodePolicy, NodeSet, SharedNodeMask};
use crate::error::{BulkAlloc, FenceError, ShortReason};
use crate::mode::Mode;
use crate::owned::Page;
use crate::pool::Pool;
use crate::sync::{Ordering, defect};
use crate::ticket::Ticket;
use crate::tracker::Caller;

/// What a try has come to.
struct Tried {
    got: usize,
    reason: Option<ShortReason>,
}

impl<M: Mode, const NODES: usize> NodeSet<M, NODES> {
    /// Appends up to `want` pages to `batch`, each to its node's part, of the nodes that the mask has.
    ///
    /// The mask is read once, as the call begins. If the result is short, and the mask has changed
    /// meanwhile, there is one more try with the new mask. Where the part of a node is full, the next
    /// node gives the rest; [`ShortReason::BatchFull`] means that one part at least was.
    ///
    /// Each node says for itself why it has no more, one after the other:
    /// [`ShortReason::Exhausted`] means that each had no page as it was asked, and not that all had
    /// none at one moment.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_masked<const N: usize>(
        &self,
        batch: &mut NodeBatch<M, N, NODES>,
        want: usize,
        mask: &SharedNodeMask,
    ) -> BulkAlloc {
        // A part of it may be one page, which would go below the mark of a pool.
        let (whole, caller) = (want, Caller::here());
        let Tried { got, reason } = self.alloc(want, mask, |pool, node, want| {
            let BulkAlloc { allocated, reason } =
                pool.alloc_bulk_of(batch.of_mut(node), want, whole);
            pool.core.tracker.moved(|| batch.of(node).last_ids(allocated), caller);
            Tried { got: allocated, reason }
        });
        BulkAlloc { allocated: got, reason }
    }

    /// Allocates one page, of a node that the mask has.
    ///
    /// ```
    /// # use pagesheaf::{NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// let page = set.alloc_masked(&SharedNodeMask::new(NodeMask::of(1)))?;
    /// assert_eq!(set.node_of(&page), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why there was none.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_masked(&self, mask: &SharedNodeMask) -> Result<Page<M>, ShortReason> {
        let (mut page, caller) = (None, Caller::here());
        let tried = self.alloc(1, mask, |pool, _, _| match pool.alloc() {
            Ok(one) => {
                pool.core.tracker.moved(|| iter::once(one.id()), caller);
                page = Some(one);
                Tried { got: 1, reason: None }
            }
            Err(reason) => Tried { got: 0, reason: Some(reason) },
        });
        page.ok_or(tried.reason.unwrap_or(ShortReason::Exhausted))
    }

    /// Frees all pages, those of each node in one go.
    pub fn free_bulk<const N: usize>(&self, batch: &mut NodeBatch<M, N, NODES>) {
        for node in 0..NODES {
            match self.pool(node) {
                Some(pool) if !batch.of(node).is_empty() => pool.free_bulk(batch.of_mut(node)),
                _ => batch.of_mut(node).clear(),
            }
        }
    }

    /// Frees all pages when a ticket has passed, those of each node in one go: see [`Pool::free_bulk_after`]. The pools
    /// have the same fences.
    ///
    /// ```
    /// # use pagesheaf::{Fence, NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # struct Sent;
    /// # impl Fence for Sent {
    /// #     fn passed(&self, ticket: u64) -> bool { ticket == 0 }
    /// # }
    /// # static FENCES: [&dyn Fence; 1] = [&Sent];
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pools = [Pool::builder(10).fences(&FENCES).build()?, Pool::builder(10).fences(&FENCES).build()?];
    /// let set = NodeSet::<_, 2>::new(pools)?;
    /// let mut batch = NodeBatch::new();
    /// set.alloc_bulk_masked(&mut batch, 15, &SharedNodeMask::new(NodeMask::ALL));
    /// set.free_bulk_after(&mut batch, 1)?;
    /// assert!(batch.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the first pool said that did not take its pages. The pages of each such pool are still in the batch, and
    /// those of the others are given up: call it again.
    pub fn free_bulk_after<const N: usize>(
        &self,
        batch: &mut NodeBatch<M, N, NODES>,
        ticket: impl Into<Ticket>,
    ) -> Result<(), FenceError> {
        let (ticket, mut result) = (ticket.into(), Ok(()));
        for node in 0..NODES {
            let part = batch.of_mut(node);
            let freed = match self.pool(node) {
                Some(pool) => pool.free_bulk_after(part, ticket),
                None if part.is_empty() => Ok(()),
                None => Err(FenceError::OtherPool),
            };
            result = result.and(freed);
        }
        result
    }

    /// Takes pages by `take`, which says how many it got of a node, and why no more: with one mask, and if need be with
    /// another.
    fn alloc(
        &self,
        want: usize,
        shared: &SharedNodeMask,
        mut take: impl FnMut(&Pool<M>, usize, usize) -> Tried,
    ) -> Tried {
        let live =
            |found: NodeMask| move || if defect!("mask-live") { shared.get() } else { found };
        let first = shared.sample();
        let mut tried = self.alloc_with(live(first.mask()), want, &mut take);
        if tried.reason.is_some() {
            let second = shared.sample();
            if second != first {
                let rest = self.alloc_with(live(second.mask()), want - tried.got, &mut take);
                tried = Tried { got: tried.got + rest.got, reason: rest.reason };
            }
        }
        tried
    }

    /// Takes pages of the nodes of a mask.
    fn alloc_with(
        &self,
        mask: impl Fn() -> NodeMask,
        want: usize,
        take: &mut impl FnMut(&Pool<M>, usize, usize) -> Tried,
    ) -> Tried {
        let here = self.this_node();
        let is_bound = self.policy == NodePolicy::Bind;
        let allows = |node: usize| mask().contains(node) && (node == here || !is_bound);
        let mut tried = Tried { got: 0, reason: None };
        // Asks a node for pages that were wanted of the node `of`. Returns how many it had.
        let mut ask = |node: usize, of: usize, want: usize, tried: &mut Tried| {
            let Some(pool) = self.pool(node).filter(|_| want > 0) else { return 0 };
            let Tried { got, reason } = take(pool, node, want);
            self.count(node, of, got);
            tried.got += got;
            if let Some(reason) = reason {
                tried.note(reason);
            }
            got
        };
        let nodes = || (0..NODES).filter(|&node| self.pool(node).is_some() && allows(node));
        let count = nodes().count();
        if self.policy == NodePolicy::Interleave && count > 0 {
            // Relaxed: whose turn it is, about.
            let first = self.next.fetch_add(1, Ordering::Relaxed) as usize;
            let ring = || nodes().cycle().skip(first % count).take(count);
            let mut short = [0; NODES];
            for (at, node) in ring().enumerate() {
                let share = want / count + usize::from(at < want % count);
                short[node] = share - ask(node, node, share, &mut tried);
            }
            // What one node does not have the others give, as evenly.
            let mut is_dry = short.map(|short| short > 0);
            for of in ring() {
                while short[of] > 0 && ring().any(|node| !is_dry[node]) {
                    let were_dry = is_dry;
                    let givers = || ring().filter(|&node| !were_dry[node]);
                    let share = short[of].div_ceil(givers().count());
                    for node in givers() {
                        let wanted = share.min(short[of]);
                        let got = ask(node, of, wanted, &mut tried);
                        short[of] -= got;
                        is_dry[node] = got < wanted;
                    }
                }
            }
        } else {
            // The nearest comes first: by distance, and then by number.
            let far = |node: usize| (self.distances[here][node], node);
            let mut last = None;
            while tried.got < want {
                let next = nodes().map(far).filter(|&next| last.is_none_or(|last| next > last));
                let Some(next) = next.min() else { break };
                last = Some(next);
                let missing = want - tried.got;
                _ = ask(next.1, here, missing, &mut tried);
            }
        }
        if tried.got == want {
            tried.reason = None;
        } else if tried.reason.is_none_or(|reason| reason == ShortReason::Exhausted) {
            let all = self.pools().all(|(node, _)| allows(node));
            tried.reason = Some(if all { ShortReason::Exhausted } else { ShortReason::NodeMask });
        }
        tried
    }
}

impl Tried {
    /// A node gave no more, and why. That it is exhausted is the least that is to be said.
    fn note(&mut self, reason: ShortReason) {
        if self.reason.is_none_or(|noted| noted == ShortReason::Exhausted) {
            self.reason = Some(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_reason_says_more_than_that_there_are_none() {
        use ShortReason::{Busy, Exhausted, Watermark};
        for (reasons, noted) in [
            ([Exhausted, Watermark, Busy], Watermark),
            ([Busy, Exhausted, Watermark], Busy),
            ([Exhausted, Exhausted, Busy], Busy),
        ] {
            let mut tried = Tried { got: 0, reason: None };
            reasons.into_iter().for_each(|reason| tried.note(reason));
            assert_eq!(tried.reason, Some(noted));
        }
    }

    /// Nor is one whose pages are of no pool of a set.
    #[test]
    fn a_batch_that_has_a_page_is_not_empty() {
        struct Done;
        impl crate::ticket::Fence for Done {
            fn passed(&self, _: u64) -> bool {
                true
            }
        }
        let pool = || Pool::builder(10).page_size(64).fences(&[&Done]).build();
        // Without an allocator there is none.
        let (Ok(pool), Ok(other)) = (pool(), pool()) else { return };
        let set = NodeSet::<_, 2>::new([pool]).expect("a set");
        let mut batch = NodeBatch::<_, 8, 2>::empty();
        assert!(batch.is_empty());
        assert_eq!(other.alloc_bulk_exact(batch.of_mut(1), 1), Ok(()));
        assert!(!batch.is_empty());
        // The set has no pool for the second node.
        assert_eq!(set.free_bulk_after(&mut batch, 1), Err(FenceError::OtherPool));
        batch.of_mut(1).clear();
        assert_eq!((batch.is_empty(), set.free_bulk_after(&mut batch, 1)), (true, Ok(())));
    }
}

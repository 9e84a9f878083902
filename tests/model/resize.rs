//! What each operation does to the world: pages go offline and come back.

use super::op::Kind;
use super::shares::Shares;
use super::world::{KEPT, World};
use crate::common::*;

/// The most pages of a range.
const MOST: usize = 24;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn resize(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        let start = self.place(a) % self.pool.capacity();
        // Beside another world, one page: whoever takes it offline has it.
        let most = if self.alone { MOST.min(self.pool.capacity() - start) } else { 1 };
        let range = start as u32..(start + 1 + usize::from(b) % most) as u32;
        match kind {
            Kind::Offline => self.go_offline(range),
            Kind::Online => self.come_online(a, b),
            Kind::OnlineRefused => self.refuse_online(range),
            _ => return None,
        }
        Some(())
    }

    fn go_offline(&mut self, range: std::ops::Range<u32>) {
        let ids = range.clone().map(PageId::new);
        let (held, _) = self.held();
        let before = self.offline.clone();
        let pool = self.pool.clone();
        let went = match pool.offline(range) {
            Ok(went) => went,
            Err(error) => {
                assert!(matches!(error, RangeError::AlreadyOffline { .. }), "{error}");
                return assert!(!self.alone || ids.into_iter().all(|id| before.contains(&id)));
            }
        };
        let stayed: Vec<_> = went.still_online().collect();
        if !self.alone {
            // Another world may have it, or have brought it back already.
            if went.count() == 1 {
                let new: Vec<_> = ids.collect();
                self.took(&new);
                self.offline.extend(new);
            }
            return;
        }
        let new: Vec<_> = ids.filter(|id| !before.contains(id) && !stayed.contains(id)).collect();
        assert_eq!(new.len(), went.count());
        assert!(new.iter().all(|&id| pool.is_offline(id) && !held.contains(&id)));
        let cached = stayed.iter().filter(|id| !held.contains(id)).count();
        let caches = self.caches.len() + self.stealable.len();
        let fenced = self.pool.audit().pages.fenced as usize;
        assert!(cached <= KEPT * caches + fenced, "{stayed:?}");
        // Their bytes are this world's, and stay as they are written.
        self.took(&new);
        self.offline.extend(new);
    }

    /// Brings back some neighbours of those that this world took.
    fn come_online(&mut self, a: u8, b: u8) {
        let mut ids = self.offline.iter().copied();
        let Some(first) = ids.nth(usize::from(a) % self.offline.len().max(1)) else { return };
        let follows = |id: &u32| self.offline.contains(&PageId::new(*id));
        let end = (first.index() + 1..).take(usize::from(b) % MOST).take_while(follows).last();
        self.bring_back(first.index()..end.map_or(first.index() + 1, |id| id + 1));
    }

    fn bring_back(&mut self, range: std::ops::Range<u32>) {
        let ids: Vec<_> = range.clone().map(PageId::new).collect();
        self.lets_go(&ids);
        ids.iter().for_each(|id| assert!(self.offline.remove(id)));
        // SAFETY: the region is the pool's own, or leaked; the pages' bytes are initialised, and
        // nobody uses them any more.
        assert_eq!(unsafe { self.pool.online(range) }, Ok(()));
    }

    /// Brings back all that this world took.
    pub fn bring_all_back(&mut self) {
        while let Some(first) = self.offline.first().map(|id| id.index()) {
            self.bring_back(first..first + 1);
        }
    }

    /// A range in which a page is online changes nothing.
    fn refuse_online(&mut self, range: std::ops::Range<u32>) {
        let is_online = |id: &PageId| !self.offline.contains(id);
        let Some(page) = range.clone().map(PageId::new).find(is_online) else { return };
        if self.alone {
            // SAFETY: it is refused: a page is online.
            let refused = unsafe { self.pool.online(range) };
            assert_eq!(refused, Err(RangeError::AlreadyOnline { page }));
        }
    }
}

//! A request, by whomever it is made.

use core::pin::Pin;

use crate::cache::Cache;
use crate::error::{Call, ShortReason, WaitError, WaitReason};
use crate::inner::Core;
use crate::line::{Class, Spot};
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::plan::CallKinds;
use crate::pool::{Critical, Pool};
use crate::sync::defect;
use crate::tracker::{By, Caller};
use crate::zone::Floor;

/// What can wait for pages: a pool, or a cache.
pub(crate) trait Asker<M: Mode>: Sized {
    /// Its class: the critical one is served before the other.
    const CLASS: Class;

    /// The core.
    fn core(&self) -> &Core<M>;

    /// Tries to get all pages without waiting.
    fn try_now<const N: usize>(&mut self, batch: &mut PageBatch<M, N>, want: usize) -> bool;

    /// Lets others have what is cached.
    fn give_up(&mut self);

    /// Who allocates.
    fn by(&self, caller: Caller) -> By {
        By::pool(caller)
    }

    /// What a request does before it waits: it is refused, or served at once, or gives up what is cached. Says whether
    /// it was served. Who comes while others wait is served after them.
    fn before_waiting<const N: usize>(
        mut self,
        batch: &mut PageBatch<M, N>,
        want: usize,
        caller: Caller,
    ) -> Result<bool, WaitError> {
        let floor = Core::<M>::floor(Self::CLASS, want);
        let refused = refusal(self.core(), batch, want, floor).and_then(|()| {
            match self.core().injector.decide(CallKinds::WAIT, 0, want) {
                Some(_) => Err(error(want, WaitReason::Refused(ShortReason::Injected))),
                None => Ok(()),
            }
        });
        let served = refused.is_ok()
            && (want == 0 || !self.core().line.is_waited_in() && self.try_now(batch, want));
        if served {
            self.core().tracker.moved(|| batch.last_ids(want), caller);
        } else if refused.is_ok() {
            self.give_up();
        }
        refused.map(|()| served)
    }
}

impl<M: Mode> Asker<M> for &Pool<M> {
    const CLASS: Class = Class::Ordinary;

    fn core(&self) -> &Core<M> {
        &self.core
    }

    fn try_now<const N: usize>(&mut self, batch: &mut PageBatch<M, N>, want: usize) -> bool {
        self.alloc_or_wait(batch, want)
    }

    fn give_up(&mut self) {}
}

impl<M: Mode> Asker<M> for &Critical<'_, M> {
    const CLASS: Class = Class::Critical;

    fn core(&self) -> &Core<M> {
        &self.pool().core
    }

    fn try_now<const N: usize>(&mut self, batch: &mut PageBatch<M, N>, want: usize) -> bool {
        self.alloc_or_wait(batch, want)
    }

    fn give_up(&mut self) {}
}

impl<M: Mode, const STEALABLE: bool> Asker<M> for &mut Cache<M, STEALABLE> {
    const CLASS: Class = Class::Ordinary;

    fn core(&self) -> &Core<M> {
        self.handle()
    }

    fn try_now<const N: usize>(&mut self, batch: &mut PageBatch<M, N>, want: usize) -> bool {
        self.alloc_or_wait(batch, want)
    }

    fn give_up(&mut self) {
        self.drain();
    }

    fn by(&self, caller: Caller) -> By {
        By::cache(caller, &self.handle().slots, self.slot())
    }
}

/// Why a request can never be served, if that is so.
fn refusal<M: Mode, const N: usize>(
    core: &Core<M>,
    batch: &PageBatch<M, N>,
    want: usize,
    floor: Floor,
) -> Result<(), WaitError> {
    let most = core.could_be_had(floor);
    let reason = if !batch.may_join(core.into()) {
        WaitReason::Refused(ShortReason::OtherPool)
    } else if core.addresses_only {
        WaitReason::Refused(ShortReason::AddressOnly)
    } else if want > most {
        WaitReason::TooMany { most }
    } else if want > batch.remaining_capacity() {
        WaitReason::Refused(ShortReason::BatchFull)
    } else {
        return Ok(());
    };
    Err(error(want, reason))
}

/// Of a request that has got nothing.
fn error(want: usize, reason: WaitReason) -> WaitError {
    WaitError { want, had: 0, reason }
}

/// What a request has come to.
pub(crate) enum Progress {
    /// It has all pages.
    Served,
    /// Nobody has pages in hand that it could have: what comes raises the event.
    Waits,
    /// Others are in the middle of calls that may hide pages: it looks again soon.
    Soon,
}

/// Pages that are wanted, and those that are promised already: their ids lie in the batch, behind its pages.
pub(crate) struct Request<'a, M: Mode, const N: usize> {
    core: &'a Core<M>,
    batch: &'a mut PageBatch<M, N>,
    want: usize,
    had: usize,
    floor: Floor,
    by: By,
}

impl<'a, M: Mode, const N: usize> Request<'a, M, N> {
    /// A request that was not refused.
    pub(crate) fn new(
        core: &'a Core<M>,
        batch: &'a mut PageBatch<M, N>,
        want: usize,
        class: Class,
        by: By,
    ) -> Self {
        Request { core, batch, want, had: 0, floor: Core::<M>::floor(class, want), by }
    }

    /// The first in line takes what there is.
    pub(crate) fn look(&mut self) -> Result<Progress, WaitError> {
        loop {
            let out = &mut self.batch.vacant()[self.had..self.want];
            let looked = self.core.look_for_waiter(out, self.floor);
            self.had += looked.got;
            self.core.see_to_crossings_while_waiting();
            if self.had == self.want {
                return Ok(Progress::Served);
            }
            if looked.got == 0 {
                // Pages may have been withheld meanwhile.
                let most = self.core.could_be_had(self.floor);
                if self.want > most {
                    return Err(self.error(WaitReason::TooMany { most }));
                }
                return Ok(if looked.clean { Progress::Waits } else { Progress::Soon });
            }
        }
    }

    /// It is not this one's turn, or no longer: what it has in hand is for others.
    pub(crate) fn give_back(&mut self) {
        if !defect!("line-keep") {
            self.put_back();
        }
    }

    fn put_back(&mut self) {
        let had = core::mem::take(&mut self.had);
        self.core.break_promise(&mut self.batch.vacant()[..had]);
    }

    /// The error of a request that ends now.
    pub(crate) fn error(&self, reason: WaitReason) -> WaitError {
        WaitError { want: self.want, had: self.had, reason }
    }

    /// Leaves the line, and appends to the batch what was promised.
    pub(crate) fn deliver(mut self, spot: Pin<&Spot<'_>>) {
        spot.leave();
        let had = core::mem::take(&mut self.had);
        self.core.deliver(had);
        // SAFETY: there is room; the ids were written by the looks, of pages that are this request's and now the
        // batch's.
        unsafe { self.batch.grow(self.core.into(), had) };
        self.core.tracker.allocated(|| self.batch.last_ids(had), self.by);
        self.core.allow(self.batch.last_ids(had));
        self.core.conclude(Call::Wait);
    }
}

impl<M: Mode, const N: usize> Drop for Request<'_, M, N> {
    fn drop(&mut self) {
        self.put_back();
    }
}

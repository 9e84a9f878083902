//! Pages that were freed whatever their counts were: somebody may believe to hold them still.
//!
//! Invariant: such a page goes to the zone, past the magazines, and its word says so until it leaves: then it is
//! verified again. Where pages have no words, it is freed like any other.

use super::Core;
use super::accounting::Faults;
use crate::mode::{Mode, Policy};
use crate::page::{AtomicCount, Fault, GivenUp, Location, PageId, PageState, ZONE};

impl<M: Mode> Core<M> {
    /// Whether pages that are freed whatever their counts are can be told from others.
    pub(crate) const DOUBTS: bool = M::HAS_WORDS;

    /// Frees pages, whose counts are 1 by now, into the zone. They are not counted yet.
    pub(crate) fn free_doubted(&self, ids: GivenUp<'_>, faults: &mut Faults) -> usize {
        let mut freed = 0;
        for (position, &id) in ids.ids().iter().enumerate() {
            if let Err(fault) = self.try_doubt(id) {
                self.refuse(id, position, fault, faults);
                continue;
            }
            if M::POISONS && !self.addresses_only {
                // Whose turn it is does not matter: who still has it may write.
                self.poison(id);
            }
            self.forbid([id]);
            freed += self.zone.put(&[id], |id| {
                self.refuse(id, position, Fault::AlreadyFree, faults);
            });
        }
        freed
    }

    fn try_doubt(&self, id: PageId) -> Result<(), Fault> {
        if self.offline.has(id) {
            return Err(Fault::Offline);
        }
        let word = self.words.get(id.index() as usize).ok_or(Fault::OutOfRange)?;
        let references = || self.shared_references(id);
        word.try_doubt(M::CLAIMS, references, |last| self.is_member(last, id))
    }

    /// As `verify_move`, of a page whose word does not say that it rests at `from`. It may be one that came back
    /// in doubt: if nobody has made a reference since, it is as good as any other. The caller has the page for
    /// itself.
    #[cold]
    #[inline(never)]
    pub(super) fn verify_doubted(&self, id: PageId, from: Location, to: Location) -> bool {
        let word = self.words.get(id.index() as usize).filter(|_| from == ZONE);
        let Some((word, state)) = word.map(|word| (word, word.load())) else {
            self.withhold_corrupt(id);
            return false;
        };
        let references =
            self.counts.get(id.index() as usize).map_or(AtomicCount::ONE, AtomicCount::load);
        if state == PageState::DOUBTED && references == AtomicCount::ONE {
            word.rest(to);
            return true;
        }
        let retained = state.is_doubted() && references != AtomicCount::ONE;
        let why = if retained { Fault::of_references(references) } else { Fault::Corrupt };
        self.withhold(id, why);
        false
    }
}

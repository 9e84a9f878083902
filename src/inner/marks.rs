//! Marks: what a call may take from the zone, and what follows when it crosses one.
//!
//! Invariant: whoever takes from the zone does so by an allowance, which leaves what its floor says. A call that
//! crosses a mark tells the user's hook at its end, when it holds nothing. While fewer pages are left than the
//! reserve, all slots are marked as if somebody waited: what they hold, and what calls file, goes into the zone.

use super::Core;
use crate::error::{Call, Pressure, Watermark};
use crate::line::Class;
use crate::mode::Mode;
use crate::sync::defect;
use crate::zone::{Allowance, BROKE_RESERVE, CROSSED_LOW, CROSSED_RESERVE, Floor};

impl<M: Mode> Core<M> {
    /// How far down in the zone a call of this class may go that wants so many.
    #[inline(always)]
    pub(crate) fn floor(class: Class, want: usize) -> Floor {
        match class {
            Class::Critical => Floor::None,
            Class::Ordinary if want == 1 => Floor::Reserve,
            Class::Ordinary => Floor::Low,
        }
    }

    /// Whether a call with this floor may take what others may not.
    pub(super) fn is_critical(&self, floor: Floor) -> bool {
        floor == Floor::None && self.zone.has_marks()
    }

    /// Takes from the zone what a call needs, and up to `most`, by `f`.
    #[inline(always)]
    pub(super) fn allowed(
        &self,
        floor: Floor,
        need: usize,
        most: usize,
        f: impl FnOnce(Allowance<'_>) -> usize,
    ) -> usize {
        let taken = f(self.zone.allow(floor, need, most));
        self.note_crossings();
        taken
    }

    /// Whether so many pages are in the zone, and a call with this floor may not have them.
    pub(super) fn keeps(&self, floor: Floor, pages: usize) -> bool {
        let free = self.zone.free();
        free >= pages && free - self.zone.kept(floor, free) < pages
    }

    /// Whether the reserve is to be filled.
    pub(super) fn is_reserve_awaited(&self) -> bool {
        self.zone.is_below_reserve() && !defect!("reserve-awaited")
    }

    /// The end of a call that may have broken the reserve. The hook is left to another one.
    pub(super) fn see_to_reserve(&self) {
        if self.zone.take_crossings(BROKE_RESERVE) != 0 {
            self.begin_to_fill_reserve();
        }
    }

    /// Has what comes back fill the reserve, if it is broken, and what lies in depots.
    pub(super) fn begin_to_fill_reserve(&self) {
        if self.is_reserve_awaited() {
            self.mark_slots();
            self.fill_reserve();
        }
    }

    /// Puts magazines of depots into the zone until the reserve is whole: as many as there are in all, and no more,
    /// though others may push and take meanwhile.
    #[cold]
    pub(super) fn fill_reserve(&self) {
        let flush = || self.with_depot_magazine(0, |magazine| _ = self.flush(magazine));
        (1..self.magazines.count()).all(|_| self.is_reserve_awaited() && flush());
    }

    /// As the end of a call, in the middle of one that waits: it holds nothing but its own pages.
    pub(crate) fn see_to_crossings_while_waiting(&self) {
        if self.alarm.has_crossing() {
            self.see_to_crossings(Call::Wait);
        }
    }

    /// If the zone has noted a crossing, the end of this call, or of another, sees to it.
    pub(crate) fn note_crossings(&self) {
        if self.zone.has_crossed() {
            self.alarm.note_crossing();
        }
    }

    /// A call ends, which holds nothing any more, and marks were crossed.
    pub(super) fn see_to_crossings(&self, call: Call) {
        self.alarm.end_crossing();
        self.see_to_reserve();
        // Upkeep finds the zone's note.
        if self.line.defers() && call != Call::Maintain {
            return;
        }
        let crossed = self.zone.take_crossings(CROSSED_LOW | CROSSED_RESERVE);
        let marks = [(CROSSED_LOW, Watermark::Low), (CROSSED_RESERVE, Watermark::Reserve)];
        let Some(hook) = self.on_pressure else { return };
        for (_, watermark) in marks.into_iter().filter(|(bit, _)| crossed & bit != 0) {
            hook(&Pressure { watermark, free: self.zone.free() });
        }
    }
}

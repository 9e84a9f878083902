//! Where a search goes, and in which order.
//!
//! Invariant: a search that finds nothing has asked all summaries for every word and, if the count says that pages
//! are free, has looked at every word itself.
//!
//! Pages that were used come before fresh ones, so that what is resident stays near the most that was needed at once.
//! Of those, areas from which pages are missing come before whole ones, so that huge pages stay whole. Each party stays
//! in its area while that has any, and otherwise begins at home: so parties seldom meet at one word, and each leaves
//! the far end of its part of the zone alone.

use super::{Cursor, Fresh, Used, Whole, Zone};
use crate::sync::{Ordering, defect};

/// Where a lap begins.
#[derive(Clone, Copy)]
enum From {
    /// At the party's home.
    Home,
    /// Behind the word from which it took the last pages.
    Last,
    /// At the first word, unless the lap before began there.
    First,
}

/// A part of a search.
#[derive(Clone, Copy)]
enum Lap {
    /// Through the used words of the area where the party is, unless it is whole.
    Area,
    /// Through what its last word has behind the last pages that it took.
    Rest,
    Used(From),
    /// Through those whose areas were whole.
    Whole(From),
    Fresh(From),
    /// By the words alone: for a moment no summary tells of a page, while the thread that emptied its word, or broke
    /// into it, looks at it again. The free count does.
    Rescan,
}

/// Used pages first.
const REUSE: &[Lap] = &[
    Lap::Area,
    Lap::Used(From::Home),
    Lap::Used(From::First),
    Lap::Whole(From::Home),
    Lap::Whole(From::First),
    Lap::Fresh(From::Home),
    Lap::Fresh(From::First),
    Lap::Rescan,
];

/// In a zone of one word.
const ONLY: &[Lap] = &[Lap::Used(From::First)];

/// For a quarantine that is short: fresh pages, while there are any.
const LENGTHEN: &[Lap] = &[
    Lap::Rest,
    Lap::Fresh(From::Home),
    Lap::Fresh(From::First),
    Lap::Used(From::Last),
    Lap::Used(From::First),
    Lap::Rescan,
];

/// For one that is long enough: used pages, those first that come after the last one on the way round.
const ROTATE: &[Lap] = &[
    Lap::Rest,
    Lap::Used(From::Last),
    Lap::Used(From::First),
    Lap::Fresh(From::Home),
    Lap::Fresh(From::First),
    Lap::Rescan,
];

/// A search for words that have free pages.
pub(super) struct Search<'a> {
    zone: &'a Zone,
    cursor: Cursor,
    /// The laps to come.
    laps: core::slice::Iter<'static, Lap>,
    lap: Lap,
    /// Where it goes on.
    at: usize,
    /// Where the lap before this one began.
    began: usize,
    /// Whether the summaries of used words, and of those in whole areas, told of any as the search began.
    any: (bool, bool),
}

impl<'a> Search<'a> {
    pub(super) fn new(zone: &'a Zone, cursor: Cursor) -> Self {
        let laps = match zone.habits.quarantine {
            _ if zone.levels.top == 0 => ONLY,
            None => REUSE,
            Some(length) if zone.used_free() < length => LENGTHEN,
            Some(_) => ROTATE,
        };
        let (lap, began) = (laps[0], usize::MAX);
        let any = (zone.tells::<Used>(), zone.tells::<Whole>());
        let mut search = Search { zone, cursor, laps: laps.iter(), lap, at: 0, began, any };
        search.next_lap(0);
        search
    }

    /// The next word to try. The words themselves are looked at only while `least` pages at least should be free.
    pub(super) fn next(&mut self, least: usize) -> Option<usize> {
        loop {
            let found = match self.lap {
                Lap::Area => self.zone.next_within(self.at, self.area_end()),
                Lap::Rest => (self.at == self.cursor.at as usize).then_some(self.at),
                Lap::Used(_) => self.zone.next::<Used>(self.at),
                Lap::Whole(_) => self.zone.next::<Whole>(self.at),
                Lap::Fresh(_) => self.zone.next::<Fresh>(self.at),
                Lap::Rescan => (self.at < self.zone.words.len()).then_some(self.at),
            };
            if let Some(index) = found {
                self.at = index + 1;
                return found;
            }
            if !self.next_lap(least) {
                return None;
            }
        }
    }

    /// Which pages of the word that is to be tried are in turn.
    pub(super) fn in_turn(&self) -> u64 {
        if let Lap::Rest = self.lap { u64::MAX << self.cursor.before } else { u64::MAX }
    }

    /// Begins the next lap; `false` if there is none.
    fn next_lap(&mut self, least: usize) -> bool {
        let Cursor { home, at, .. } = self.cursor;
        for &lap in self.laps.by_ref() {
            let begin = match lap {
                Lap::Used(_) if !self.any.0 => continue,
                Lap::Whole(_) if !self.any.1 => continue,
                Lap::Area if self.any == (false, false) => continue,
                Lap::Area if self.zone.is_whole_area(at as usize) => continue,
                Lap::Area => self.area_start(),
                Lap::Rest if !(1..u64::BITS).contains(&self.cursor.before) => continue,
                Lap::Rest => at as usize,
                Lap::Used(From::Home) | Lap::Whole(From::Home) | Lap::Fresh(From::Home) => {
                    home as usize
                }
                Lap::Used(From::Last) => at as usize + 1,
                Lap::Used(From::First) | Lap::Whole(From::First) | Lap::Fresh(From::First)
                    if self.began == 0 =>
                {
                    continue;
                }
                Lap::Rescan if self.zone.free() < least || defect!("rescan") => continue,
                _ => 0,
            };
            (self.lap, self.at, self.began) = (lap, begin, begin);
            return true;
        }
        false
    }

    /// Where the party begins in its area: at its home if that lies there, for a small zone is one area.
    fn area_start(&self) -> usize {
        let Cursor { home, at, .. } = self.cursor;
        let start = at as usize & !(self.zone.habits.area - 1);
        if (start..=at as usize).contains(&(home as usize)) { home as usize } else { start }
    }

    fn area_end(&self) -> usize {
        (self.cursor.at as usize | (self.zone.habits.area - 1)) + 1
    }
}

impl Zone {
    /// How many used pages are free, about; only with a quarantine.
    pub(super) fn used_free(&self) -> usize {
        // Relaxed: a hint.
        let fresh = self.counts.fresh.load(Ordering::Relaxed) as usize;
        self.free().saturating_sub(fresh.saturating_mul(super::BITS))
    }
}

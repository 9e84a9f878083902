//! What may come next.

use stateright::{Model, Property};

use crate::state::{Class, Kind, Place, Slot, State, Waiter};

/// What the line does wrong on purpose, so that it is seen to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Who frees looks for those who wait before its pages can be had.
    LooksFirst,
    /// A thread reads the event word after it has looked, and not before.
    ReadsLate,
    /// A task leaves its waker after it has looked.
    WakerLate,
    /// Who leaves the line wakes nobody.
    LeavesQuietly,
    /// Who gives the lock up does not look whether there is a note.
    ForgetsNote,
    /// A critical one that takes the turn of another does not wake that.
    TakesQuietly,
    /// Who has lost its turn keeps the pages that it has in hand.
    KeepsPages,
    /// Who waits leaves no marks.
    MarksNothing,
    /// Who gives the shared slot up has looked before, and not afterwards.
    DropsLate,
    /// A cache that finds nobody waiting takes its mark off, and does not look again.
    UnmarksLast,
}

/// One who makes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(pub u8);

/// The machine: who waits, in no order, and who has one page.
#[derive(Clone, Debug)]
pub struct Line {
    /// Who waits, of which class, and for how many pages.
    pub waiters: Vec<(Kind, Class, u8)>,
    /// How many put a page each into the zone.
    pub freers: u8,
    /// How many drop a page each, into the shared slot.
    pub droppers: u8,
    /// How many caches there are, of one page each.
    pub caches: u8,
    /// Whether who was served keeps its pages, and does not give them to the next.
    pub keeps: bool,
    /// What is wrong.
    pub fault: Fault,
}

impl Line {
    /// Wakes the threads that sleep, and changes the event word; of the list, all, or the first.
    fn raise_event(state: &mut State, only: Option<u8>) {
        state.event = state.event.wrapping_add(1);
        for (at, it) in state.all.iter_mut().enumerate() {
            let is_meant = only.is_none_or(|only| usize::from(only) == at);
            if is_meant && it.kind == Kind::Thread && it.place == Place::Sleeps {
                it.place = Place::Reads;
            }
        }
    }

    /// Calls a waker, if it is there: the task is polled again.
    fn wake_task(state: &mut State, at: u8) {
        let task = &mut state.all[usize::from(at)];
        if std::mem::take(&mut task.has_waker) && task.place == Place::Sleeps {
            task.place = Place::LeavesWaker;
        }
    }

    /// Gives the lock up; if there is a note, the first in line is woken.
    fn unlock(&self, state: &mut State) {
        state.holder = None;
        let noted = std::mem::take(&mut state.pending);
        let first = state.list.first().copied();
        if noted
            && self.fault != Fault::ForgetsNote
            && let Some(first) = first
            && state.all[usize::from(first)].kind == Kind::Task
        {
            Self::wake_task(state, first);
        }
    }

    /// The turn is another one's, who is woken for it.
    fn wake_next(&self, state: &mut State) {
        if self.fault == Fault::LeavesQuietly {
            return;
        }
        match state.list.first().copied() {
            Some(next) if state.all[usize::from(next)].kind == Kind::Thread => {
                Self::raise_event(state, Some(next));
            }
            Some(next) => Self::wake_task(state, next),
            None => {}
        }
    }

    /// Puts one into the list, behind its class. Returns who loses its turn by that, and is to be woken: a task, if its
    /// waker is there.
    fn push(&self, state: &mut State, me: u8) -> Option<u8> {
        let first = state.list.first().copied();
        let is_critical = |at: u8| state.all[usize::from(at)].class == Class::Critical;
        let place = match is_critical(me) {
            true => state.list.iter().take_while(|&&it| is_critical(it)).count(),
            false => state.list.len(),
        };
        state.list.insert(place, me);
        let lost = first.filter(|_| place == 0 && self.fault != Fault::TakesQuietly)?;
        let it = &mut state.all[usize::from(lost)];
        (it.kind == Kind::Thread || std::mem::take(&mut it.has_waker)).then_some(lost)
    }

    /// Somebody has the lock for a step, or tries again later. `false` if it is taken.
    fn try_lock(state: &mut State, me: u8) -> bool {
        let free = state.holder.is_none();
        if free {
            state.holder = Some(me);
        }
        free
    }

    /// Where a step leads, if there is one.
    fn step(&self, state: &mut State, me: u8) -> Option<Place> {
        let it = state.all[usize::from(me)].clone();
        let is_task = it.kind == Kind::Task;
        let (late_waker, late_read) =
            (self.fault == Fault::WakerLate, self.fault == Fault::ReadsLate);
        Some(match it.place {
            Place::Comes => {
                state.waiting += 1;
                if self.fault == Fault::MarksNothing { Place::Enters } else { Place::Marks }
            }
            Place::Marks => {
                state.slot.marked = true;
                let caches = state.all.iter_mut().filter(|it| it.is_cache());
                caches.for_each(|cache| cache.marked = true);
                Place::Enters
            }
            Place::Enters => {
                if !Self::try_lock(state, me) {
                    return None;
                }
                Place::Entered(self.push(state, me))
            }
            Place::Entered(lost) => {
                self.unlock(state);
                if let Some(lost) = lost {
                    let it = &mut state.all[usize::from(lost)];
                    match it.kind {
                        Kind::Thread => Self::raise_event(state, Some(lost)),
                        Kind::Task if it.place == Place::Sleeps => it.place = Place::LeavesWaker,
                        Kind::Task => {}
                    }
                }
                if is_task && !late_waker { Place::LeavesWaker } else { Place::Reads }
            }
            Place::Reads if is_task => Place::Drains(0),
            Place::Reads => Place::Drains(state.event),
            Place::LeavesWaker => {
                if !Self::try_lock(state, me) {
                    return None;
                }
                state.all[usize::from(me)].has_waker = true;
                Place::LeftWaker
            }
            Place::LeftWaker => {
                self.unlock(state);
                if late_waker { Place::Sleeps } else { Place::Drains(0) }
            }
            Place::Drains(seen) => {
                if state.list.first() == Some(&me) && !state.slot.locked {
                    state.free += std::mem::take(&mut state.slot.pages);
                }
                Place::Looks(seen)
            }
            Place::Looks(seen)
                if state.list.first() != Some(&me)
                    && it.had > 0
                    && self.fault != Fault::KeepsPages =>
            {
                Place::GivesBack(seen)
            }
            Place::GivesBack(seen) => {
                state.free += it.had;
                state.all[usize::from(me)].had = 0;
                Place::Tells(seen)
            }
            Place::Tells(seen) => {
                let first = state.list.first().copied();
                Self::raise_event(state, first);
                state.pending = true;
                match Self::try_lock(state, me) {
                    true => Place::TellsTask(seen),
                    false => Self::rest(&it, seen, late_waker),
                }
            }
            Place::TellsTask(seen) => {
                self.unlock(state);
                Self::rest(&it, seen, late_waker)
            }
            Place::Looks(seen) => {
                let took = if state.list.first() == Some(&me) {
                    state.free.min(it.want - it.had)
                } else {
                    0
                };
                state.free -= took;
                state.all[usize::from(me)].had += took;
                if it.had + took == it.want {
                    Place::Leaves
                } else if took > 0 {
                    // It looks again while there is something.
                    Place::Looks(seen)
                } else {
                    Self::rest(&it, seen, late_waker)
                }
            }
            // A task that was woken since it left its waker does not sleep.
            Place::GoesToSleep(_) if is_task => {
                if it.has_waker {
                    Place::Sleeps
                } else {
                    Place::LeavesWaker
                }
            }
            Place::GoesToSleep(seen) if seen != state.event && !late_read => Place::Reads,
            Place::GoesToSleep(_) => Place::Sleeps,
            Place::Sleeps | Place::Done => return None,
            Place::Leaves => {
                if !Self::try_lock(state, me) {
                    return None;
                }
                state.list.retain(|&other| other != me);
                state.all[usize::from(me)].has_waker = false;
                Place::Left
            }
            Place::Left => {
                // What is noted is for the first, who is woken for its turn.
                state.pending = false;
                state.holder = None;
                state.waiting -= 1;
                self.wake_next(state);
                if self.keeps { Place::Done } else { self.to_free() }
            }
            Place::Locks if state.slot.locked => return None,
            Place::Locks => {
                state.slot.locked = true;
                Place::Puts(state.slot.marked)
            }
            Place::Puts(marked) => {
                let to_zone = marked && state.waiting > 0;
                *if to_zone { &mut state.free } else { &mut state.slot.pages } += it.had;
                state.all[usize::from(me)].had = 0;
                Place::Unlocks(to_zone)
            }
            Place::Unlocks(to_zone) => {
                state.slot.locked = false;
                let is_late = self.fault == Fault::DropsLate && !to_zone;
                if is_late { Place::Done } else { Place::LooksWhoWaits }
            }
            Place::Keeps if !it.marked => return None,
            Place::Keeps => Place::IsAsked,
            Place::IsAsked if state.waiting > 0 => Place::Frees,
            Place::IsAsked => Place::Unmarks,
            Place::Unmarks => {
                state.all[usize::from(me)].marked = false;
                if self.fault == Fault::UnmarksLast { Place::Keeps } else { Place::LooksAgain }
            }
            Place::LooksAgain => {
                state.all[usize::from(me)].marked |= state.waiting > 0;
                Place::Keeps
            }
            Place::Frees => {
                state.free += it.had;
                state.all[usize::from(me)].had = 0;
                if self.fault == Fault::LooksFirst { Place::Done } else { Place::LooksWhoWaits }
            }
            Place::LooksWhoWaits => {
                let next = if state.waiting > 0 { Place::Raises } else { Place::Done };
                match (self.fault, next) {
                    (Fault::LooksFirst, Place::Done) => Place::Frees,
                    (_, next) => next,
                }
            }
            Place::Raises => {
                let first = state.list.first().copied();
                Self::raise_event(state, first);
                // The note is left, and the lock taken if it is free, in one step.
                state.pending = true;
                if Self::try_lock(state, me) { Place::HasLock } else { self.after_raise() }
            }
            Place::HasLock => {
                self.unlock(state);
                self.after_raise()
            }
        })
    }

    /// What one does that has got nothing.
    fn rest(it: &Waiter, seen: u8, late_waker: bool) -> Place {
        match it.kind {
            Kind::Task if late_waker => Place::LeavesWaker,
            Kind::Task => Place::GoesToSleep(0),
            Kind::Thread => Place::GoesToSleep(seen),
        }
    }

    /// Where the way of one begins who has pages to give back.
    fn to_free(&self) -> Place {
        if self.fault == Fault::LooksFirst { Place::LooksWhoWaits } else { Place::Frees }
    }

    fn after_raise(&self) -> Place {
        if self.fault == Fault::LooksFirst { Place::Frees } else { Place::Done }
    }
}

impl Model for Line {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let waiter = |&(kind, class, want)| Waiter {
            kind,
            class,
            want,
            had: 0,
            place: Place::Comes,
            has_waker: false,
            marked: false,
        };
        let mut state = State {
            free: 0,
            slot: Slot::default(),
            waiting: 0,
            event: 0,
            holder: None,
            pending: false,
            list: Vec::new(),
            all: self.waiters.iter().map(waiter).collect(),
        };
        let others = [
            (self.freers, self.to_free()),
            (self.droppers, Place::Locks),
            (self.caches, Place::Keeps),
        ];
        for (count, place) in others {
            let one = Waiter { had: 1, place, ..waiter(&(Kind::Thread, Class::Ordinary, 0)) };
            state.all.extend((0..count).map(|_| one.clone()));
        }
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        let all = 0..state.all.len() as u8;
        actions.extend(all.filter(|&me| self.step(&mut state.clone(), me).is_some()).map(Step));
    }

    fn next_state(&self, state: &State, Step(me): Step) -> Option<State> {
        let mut next = state.clone();
        let place = self.step(&mut next, me)?;
        next.all[usize::from(me)].place = place;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no page is lost", |line: &Line, state: &State| {
                state.pages() == line.freers + line.droppers + line.caches
            }),
            Property::eventually("everybody is served", |_, state: &State| state.is_over()),
        ]
    }
}

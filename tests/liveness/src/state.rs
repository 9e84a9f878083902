//! What there is at a moment.

/// Who sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// On the event word.
    Thread,
    /// Until its waker is called.
    Task,
}

/// Who comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Before all others.
    Critical,
    /// After them.
    Ordinary,
}

/// Where one who waits is in its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// It says that somebody waits.
    Comes,
    /// It marks the shared slot and every cache: what they hold is awaited.
    Marks,
    /// It takes the list's lock, to enter.
    Enters,
    /// It has the lock, and its place in the list; this one has lost its turn by that, and is to be woken.
    Entered(Option<u8>),
    /// A thread reads the event word.
    Reads,
    /// A task takes the list's lock, to leave its waker.
    LeavesWaker,
    /// It has the lock, and its waker is in the list.
    LeftWaker,
    /// If it is its turn, it has what is in the shared slot, unless a call has that. A thread has read this of the
    /// event word.
    Drains(u8),
    /// It looks whether it is its turn, and if it is, takes pages.
    Looks(u8),
    /// It is not its turn, or no longer: it gives back what it has in hand.
    GivesBack(u8),
    /// It raises the event for that.
    Tells(u8),
    /// It has the lock, to wake the first task.
    TellsTask(u8),
    /// It is about to sleep, if the event word is still this.
    GoesToSleep(u8),
    /// It sleeps.
    Sleeps,
    /// It has all pages, and takes the list's lock, to leave.
    Leaves,
    /// It has the lock, and is out of the list.
    Left,
    /// It gives its pages back, which others wait for.
    Frees,
    /// It looks whether anybody waits.
    LooksWhoWaits,
    /// It raises the event.
    Raises,
    /// It has the lock, to wake the first task.
    HasLock,
    /// It has a page to drop, and locks the shared slot.
    Locks,
    /// It has the slot, which was marked or not, and puts its page where it belongs.
    Puts(bool),
    /// It gives the slot up.
    Unlocks(bool),
    /// A cache with a page, whose thread makes one call after the other.
    Keeps,
    /// Its mark is there, and it looks whether somebody waits: if so, its page goes into the zone.
    IsAsked,
    /// Nobody waited: it takes its mark off.
    Unmarks,
    /// It looks again whether somebody waits.
    LooksAgain,
    /// It is done.
    Done,
}

/// One who waits, or who only frees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Waiter {
    /// Who it is.
    pub kind: Kind,
    /// Before whom it is served.
    pub class: Class,
    /// So many pages it wants; 0 of one who only frees.
    pub want: u8,
    /// So many it has.
    pub had: u8,
    /// Where it is.
    pub place: Place,
    /// Whether its waker is in the list.
    pub has_waker: bool,
    /// Of a cache: whether what it holds is awaited.
    pub marked: bool,
}

impl Waiter {
    /// Whether it is a cache that has not given up its page.
    pub fn is_cache(&self) -> bool {
        matches!(self.place, Place::Keeps | Place::IsAsked | Place::Unmarks | Place::LooksAgain)
    }
}

/// What calls without a cache share, one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// So many pages it holds.
    pub pages: u8,
    /// A call has it.
    pub locked: bool,
    /// What it holds is awaited.
    pub marked: bool,
}

/// All that there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Pages that anybody can have.
    pub free: u8,
    /// The shared slot.
    pub slot: Slot,
    /// How many say that they wait.
    pub waiting: u8,
    /// The event word.
    pub event: u8,
    /// Who has the list's lock.
    pub holder: Option<u8>,
    /// Whether there is a note in it.
    pub pending: bool,
    /// Who is in the list, the first one first.
    pub list: Vec<u8>,
    /// Everybody.
    pub all: Vec<Waiter>,
}

impl State {
    /// Whether everybody is done. A cache may keep what nobody has asked for.
    pub fn is_over(&self) -> bool {
        self.all.iter().all(|it| matches!(it.place, Place::Done | Place::Keeps))
    }

    /// How many pages there are.
    pub fn pages(&self) -> u8 {
        self.free + self.slot.pages + self.all.iter().map(|it| it.had).sum::<u8>()
    }
}

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
    /// It looks whether it is its turn, and if it is, takes pages. A thread has read this of the event word.
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
}

/// All that there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Pages that anybody can have.
    pub free: u8,
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
    /// Whether everybody is done.
    pub fn is_over(&self) -> bool {
        self.all.iter().all(|it| it.place == Place::Done)
    }

    /// How many pages there are.
    pub fn pages(&self) -> u8 {
        self.free + self.all.iter().map(|it| it.had).sum::<u8>()
    }
}

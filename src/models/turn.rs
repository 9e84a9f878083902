//! The turn of an all-or-none request.

use crate::inner::exact::{ExactTurn, MyTurn};

/// A turn that nobody has.
pub struct Turn(ExactTurn);

/// The turn, until it is dropped.
pub struct Taken<'a>(#[allow(dead_code, reason = "it is held")] MyTurn<'a>);

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn {
    /// A turn that nobody has.
    #[must_use]
    pub fn new() -> Self {
        Turn(ExactTurn::new())
    }

    /// The turn, if nobody else has it, or whoever has it stands still.
    #[must_use]
    pub fn try_take(&self) -> Option<Taken<'_>> {
        self.0.try_take().map(Taken)
    }
}

//! The name of a slot, by itself.

use crate::slot::Name;

/// A name that one thread at a time may change.
pub struct SlotName(Name);

impl Default for SlotName {
    fn default() -> Self {
        SlotName(Name::new())
    }
}

impl SlotName {
    /// Changes it. The caller is the only one who does.
    pub fn set(&self, name: Option<&'static str>) {
        self.0.set(name);
    }

    /// The name, if there is one, and it is not just changing.
    #[must_use]
    pub fn get(&self) -> Option<&'static str> {
        self.0.get()
    }
}

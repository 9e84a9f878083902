//! The name of a slot, by itself.

use std::sync::Arc;

use crate::slot::Name;

/// A name, which any thread may read.
#[derive(Clone)]
pub struct SlotName(Arc<Name>);

/// The only one who changes a name.
pub struct NameWriter(Arc<Name>);

impl SlotName {
    /// A name, and who changes it.
    ///
    /// ```compile_fail,E0382
    /// # use pagesheaf::models::SlotName;
    /// let (_name, mut writer) = SlotName::new();
    /// std::thread::spawn(move || writer.set(Some("one")));
    /// writer.set(Some("another"));
    /// ```
    #[must_use]
    pub fn new() -> (Self, NameWriter) {
        let name = Arc::new(Name::new());
        (SlotName(Arc::clone(&name)), NameWriter(name))
    }

    /// The name, if there is one, and it is not just changing.
    #[must_use]
    pub fn get(&self) -> Option<&'static str> {
        self.0.get()
    }
}

impl NameWriter {
    /// Changes it.
    pub fn set(&mut self, name: Option<&'static str>) {
        self.0.set(name);
    }
}

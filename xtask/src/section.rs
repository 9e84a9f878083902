//! Parts of documents that commands write: between `<!-- name:begin -->` and `<!-- name:end -->`.

use std::fs;

use anyhow::{Context, Result};

/// Where a generated part stands.
pub struct Section {
    /// The document.
    pub file: &'static str,
    /// The name in its marks.
    pub name: &'static str,
}

impl Section {
    /// The part, in the text of the document.
    pub fn find<'a>(&self, text: &'a str) -> Result<&'a str> {
        let Section { file, name } = self;
        let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
        let rest = text.split_once(&begin).map(|(_, rest)| rest);
        let part = rest.and_then(|rest| rest.split_once(&end)).map(|(part, _)| part);
        part.with_context(|| format!("{file} has no place between {begin:?} and {end:?}"))
    }

    fn text(&self) -> Result<String> {
        fs::read_to_string(self.file).context(self.file)
    }

    /// The part as it is.
    pub fn read(&self) -> Result<String> {
        Ok(self.find(&self.text()?)?.to_owned())
    }

    /// Writes the part anew.
    pub fn write(&self, part: &str) -> Result<()> {
        let text = self.text()?;
        let old = self.find(&text)?;
        let start = old.as_ptr().addr() - text.as_ptr().addr();
        let (before, after) = (&text[..start], &text[start + old.len()..]);
        fs::write(self.file, [before, part, after].concat()).context(self.file)
    }
}

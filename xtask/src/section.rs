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
    /// The document, cut into what comes before the part, the part, and what comes after.
    fn cut(&self) -> Result<(String, String, String)> {
        let Section { file, name } = self;
        let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
        let text = fs::read_to_string(file).context(*file)?;
        let parts = text.split_once(&begin).and_then(|(before, rest)| {
            let (part, after) = rest.split_once(&end)?;
            Some((format!("{before}{begin}"), part.into(), format!("{end}{after}")))
        });
        parts.with_context(|| format!("{file} has no place between {begin:?} and {end:?}"))
    }

    /// The part as it is.
    pub fn read(&self) -> Result<String> {
        Ok(self.cut()?.1)
    }

    /// Writes the part anew.
    pub fn write(&self, part: &str) -> Result<()> {
        let (before, _, after) = self.cut()?;
        fs::write(self.file, before + part + &after).context(self.file)
    }
}

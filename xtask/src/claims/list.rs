//! The list of demands, `xtask/claims.toml`.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::judge::parts;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    part: Vec<Part>,
    #[serde(default)]
    claim: Vec<Claim>,
}

/// A part of the work: its number, and the items that it demands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    number: u32,
    items: Vec<String>,
}

/// What holds, and the command that shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub part: u32,
    pub item: String,
    pub claim: String,
    #[serde(default)]
    pub command: Option<String>,
}

impl List {
    /// Reads the list. A claim of no item, a part that is listed twice and a command that cannot be
    /// judged are mistakes.
    pub fn read(text: &str) -> Result<Self> {
        let list: List = toml::from_str(text)?;
        let mut items = HashSet::new();
        for part in &list.part {
            for item in &part.items {
                let new = items.insert((part.number, item.as_str()));
                ensure!(new, "part {} lists {item} twice", part.number);
            }
        }
        for claim in &list.claim {
            let Claim { part, item, .. } = claim;
            ensure!(items.contains(&(*part, item.as_str())), "part {part} has no item {item}");
            ensure!(!claim.claim.trim().is_empty(), "part {part}, {item}: it claims nothing");
            if let Some(command) = &claim.command {
                check(command).with_context(|| format!("part {part}, {item}"))?;
            }
        }
        Ok(list)
    }

    /// The claims in the order of the items. An item without a claim has one without a command.
    pub fn claims(self) -> Vec<Claim> {
        let mut all = Vec::new();
        for Part { number, items } in &self.part {
            for item in items {
                let of = |claim: &&Claim| claim.part == *number && claim.item == *item;
                let before = all.len();
                all.extend(self.claim.iter().filter(of).cloned());
                if all.len() == before {
                    let claim = String::new();
                    all.push(Claim { part: *number, item: item.clone(), claim, command: None });
                }
            }
        }
        all
    }
}

/// A command is words apart by spaces. It goes through no shell, and does not run the claims again.
fn check(command: &str) -> Result<()> {
    let (_, words) = parts(command);
    ensure!(!words.is_empty(), "the command is empty");
    let shell = |character: char| "\"'`$|&;<>*\\".contains(character);
    ensure!(!command.contains(shell), "no shell runs the command `{command}`");
    let claims = words.starts_with(&["cargo", "xtask", "claims"]);
    ensure!(!claims, "the claims cannot show themselves");
    Ok(())
}

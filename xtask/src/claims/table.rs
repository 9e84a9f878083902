//! The claims as tables for people.

use comfy_table::{ContentArrangement, Table, presets};

use super::judge::Verdict;
use super::list::Claim;

/// How wide a table may be.
const WIDTH: u16 = 120;

/// The claims and their commands.
pub fn list(claims: &[Claim]) -> Table {
    let mut table = table(["part", "item", "claim", "command"]);
    for claim in claims {
        let command = claim.command.as_deref().unwrap_or("no command");
        table.add_row([&claim.part.to_string(), &claim.item, &claim.claim, command]);
    }
    table
}

/// The claims and what came of them.
pub fn results(claims: &[Claim], verdicts: &[Verdict]) -> Table {
    let mut table = table(["part", "item", "verdict", "claim"]);
    for (claim, verdict) in claims.iter().zip(verdicts) {
        let verdict = verdict.to_string();
        table.add_row([&claim.part.to_string(), &claim.item, &verdict, &claim.claim]);
    }
    table
}

fn table(header: [&str; 4]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}

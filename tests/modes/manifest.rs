//! Reads what the tests need of a manifest, however it is laid out: Cargo writes it anew in a
//! package.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// What a table of lists is made of.
#[derive(Debug, PartialEq)]
enum Token {
    /// A key without quotes, or a string.
    Text(String),
    /// `=`, `[`, `]`, `,` or the end of a line.
    Sign(char),
}

/// The keys of a table all of whose values are lists of strings, with these strings.
pub fn lists(manifest: &str, table: &str) -> BTreeMap<String, Vec<String>> {
    let header = [Token::Sign('['), Token::Text(table.into()), Token::Sign(']'), Token::Sign('\n')];
    let mut tokens = tokens(manifest).into_iter().peekable();
    // Only a table's header starts a line with a bracket, outside of a list.
    let mut line = Vec::new();
    let mut depth = 0;
    let mut found = false;
    let mut lists = BTreeMap::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Sign('[') => depth += 1,
            Token::Sign(']') => depth -= 1,
            _ => {}
        }
        let ends = token == Token::Sign('\n');
        line.push(token);
        // Lines within a list are one.
        if ends && depth > 0 {
            line.pop();
        } else if ends || tokens.peek().is_none() {
            match &line[..] {
                [Token::Sign('['), ..] => found = line == header,
                [Token::Text(key), Token::Sign('='), Token::Sign('['), list @ ..] if found => {
                    let texts = list.iter().filter_map(Token::text);
                    lists.insert(key.clone(), texts.collect());
                }
                _ => {}
            }
            line.clear();
        }
    }
    lists
}

impl Token {
    fn text(&self) -> Option<String> {
        match self {
            Token::Text(text) => Some(text.clone()),
            Token::Sign(_) => None,
        }
    }
}

/// Cuts a manifest into tokens. Comments and spaces are none.
fn tokens(manifest: &str) -> Vec<Token> {
    let mut rest = manifest.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(first) = rest.next() {
        match first {
            '#' => while rest.next_if(|next| *next != '\n').is_some() {},
            '"' | '\'' => tokens.push(Token::Text(string(&mut rest, first))),
            '=' | '[' | ']' | ',' | '{' | '}' | '\n' => tokens.push(Token::Sign(first)),
            _ if first.is_whitespace() => {}
            _ => {
                let mut key = String::from(first);
                let is_key = |next: &char| next.is_alphanumeric() || "_-.".contains(*next);
                while let Some(next) = rest.next_if(is_key) {
                    key.push(next);
                }
                tokens.push(Token::Text(key));
            }
        }
    }
    tokens
}

/// The rest of a string of one line, which `quote` ends. In double quotes a backslash escapes.
fn string(rest: &mut Peekable<Chars<'_>>, quote: char) -> String {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        match next {
            _ if next == quote => break,
            '\\' if quote == '"' => text.extend(rest.next()),
            _ => text.push(next),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(text: &str) -> Vec<(String, Vec<String>)> {
        lists(text, "features").into_iter().collect()
    }

    #[test]
    fn a_list_may_stand_in_one_line_or_in_several() {
        let one = "[package]\nname = \"x\"\n\n[features]\na = [\"b\", \"dep:c\"]\nb = []\n[lib]\nd = [\"e\"]\n";
        let several =
            "[features]\nb = []\na = [\n    \"b\", # not ]\n    'dep:c',\n]\n\n[lib]\nd = [\"e\"]";
        let want = [("a", vec!["b", "dep:c"]), ("b", vec![])];
        let want = want.map(|(key, list)| {
            (key.to_owned(), list.into_iter().map(str::to_owned).collect::<Vec<_>>())
        });
        assert_eq!(features(one), want);
        assert_eq!(features(several), want);
    }

    #[test]
    fn what_looks_like_the_table_is_not_it() {
        let text = "# [features]\n[package]\nfeatures = [\"a\"]\n[a.features]\nb = [\"c\"]\n";
        assert!(features(text).is_empty());
        let text = "x = [\n\"[features]\",\n]\n[features] # those\n\"quoted\" = [\"b\"]";
        assert_eq!(features(text), [("quoted".to_owned(), vec!["b".to_owned()])]);
    }
}

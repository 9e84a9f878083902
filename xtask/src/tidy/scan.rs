//! One file's tokens: which modules it declares, and which paths it names.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::modules::Path;

/// A `mod` without a body.
pub struct Declared {
    /// The modules with a body that it stands in.
    pub inside: Vec<String>,
    pub name: String,
    /// What `#[path]` says.
    pub path: Option<String>,
    /// Whether it is there in tests only.
    pub test: bool,
}

/// What was found in a file.
pub struct Scan<'a> {
    file: &'a str,
    /// The module of the file.
    own: Vec<String>,
    /// The modules with a body that the scan is in.
    inside: Vec<String>,
    pub declared: Vec<Declared>,
    /// Modules with a body.
    pub inline: Vec<Vec<String>>,
    pub paths: Vec<Path>,
    /// Whether the whole file is there in tests only.
    pub test: bool,
}

/// The attributes before an item.
#[derive(Default)]
struct Attributes {
    path: Option<String>,
    test: bool,
}

impl<'a> Scan<'a> {
    pub fn new(file: &'a str, own: Vec<String>) -> Self {
        let (declared, inline, paths) = (Vec::new(), Vec::new(), Vec::new());
        Scan { file, own, inside: Vec::new(), declared, inline, paths, test: false }
    }

    /// Looks through a whole file.
    pub fn file(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        self.test = tokens.windows(3).any(|three| {
            let inner = is_punct(&three[0], '#') && is_punct(&three[1], '!');
            matches!(&three[2], TokenTree::Group(group) if inner && is_for_tests(group))
        });
        self.tokens(&tokens);
    }

    fn group(&mut self, group: &Group) {
        self.tokens(&group.stream().into_iter().collect::<Vec<_>>());
    }

    fn tokens(&mut self, tokens: &[TokenTree]) {
        let mut attributes = Attributes::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some((group, after)) = attribute(tokens, at) {
                attributes.read(group);
                at = after;
                continue;
            }
            let attributes = std::mem::take(&mut attributes);
            if let Some((name, body)) = module(&tokens[at..]) {
                self.module(name, body, attributes);
                at += 3;
            } else if attributes.test {
                let end = at + item(&tokens[at..]);
                // Also behind `pub`.
                let mut rest = (at..end).filter_map(|from| module(&tokens[from..end]));
                if let Some((name, None)) = rest.next() {
                    self.module(name, None, attributes);
                }
                at = end;
            } else {
                // What is before an item's name is not the item.
                at += self.token(tokens, at, token);
                if matches!(token, TokenTree::Ident(ident) if ident == "pub") {
                    // `#[path = "…"] pub mod name;`
                    if let Some((name, body)) = module(&tokens[at..]) {
                        self.module(name, body, attributes);
                        at += 3;
                    }
                }
            }
        }
    }

    /// Looks at one token, or at the path that begins with it. Returns to how many tokens.
    fn token(&mut self, tokens: &[TokenTree], at: usize, token: &TokenTree) -> usize {
        let next = tokens.get(at + 1);
        match token {
            TokenTree::Group(group) => self.group(group),
            TokenTree::Ident(ident) => {
                let before = at.checked_sub(1).map(|before| &tokens[before]);
                let two = at >= 2 && is_colons(&tokens[at - 2..]);
                // A method, or what is left of a path that did not begin with a name.
                let further = two || before.is_some_and(|before| is_punct(before, '.'));
                let begins = ["crate", "self", "super"].iter().any(|word| ident == word);
                if ident == "pub" {
                    // `pub(in crate::a)` names whoever may look, and knows nothing of it.
                    let parenthesised = |next: &TokenTree| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
                    return 1 + usize::from(next.is_some_and(parenthesised));
                }
                if ident == "use" && !next.is_some_and(|next| is_punct(next, '<')) {
                    return 1 + self.path(&tokens[at + 1..], &[], true);
                }
                if (begins || !further) && is_colons(&tokens[at + 1..]) {
                    return self.path(&tokens[at..], &[], false);
                }
            }
            _ => {}
        }
        1
    }

    /// A path, after a prefix. Returns of how many tokens it is. In a `use`, a name by itself is
    /// also one.
    fn path(&mut self, tokens: &[TokenTree], prefix: &[String], is_use: bool) -> usize {
        let mut segments = prefix.to_vec();
        let mut at = 0;
        let mut line = 0;
        while let Some(token) = tokens.get(at) {
            line = if line == 0 { token.span().start().line } else { line };
            match token {
                TokenTree::Ident(ident) => segments.push(ident.to_string()),
                TokenTree::Group(group) if is_use && group.delimiter() == Delimiter::Brace => {
                    self.branches(group, &segments);
                    return at + 1;
                }
                token if is_use && is_punct(token, '*') => {
                    self.found(line, segments, true);
                    return at + 1;
                }
                // `use ::name`, which is another crate, or what is no path.
                token if is_use && segments.is_empty() && is_punct(token, ':') => {
                    segments.push(String::new());
                }
                _ => break,
            }
            at += 1;
            if !is_colons(&tokens[at..]) {
                break;
            }
            at += 2;
        }
        self.found(line, segments, false);
        at
    }

    /// The branches of a `use` group.
    fn branches(&mut self, group: &Group, prefix: &[String]) {
        let tokens: Vec<_> = group.stream().into_iter().collect();
        for branch in tokens.split(|token| is_punct(token, ',')).filter(|it| !it.is_empty()) {
            self.path(branch, prefix, true);
        }
    }

    fn found(&mut self, line: usize, segments: Vec<String>, glob: bool) {
        let from = [&self.own[..], &self.inside].concat();
        let file = self.file.to_owned();
        self.paths.push(Path { file, line, from, segments, glob });
    }

    fn module(&mut self, name: String, body: Option<&Group>, attributes: Attributes) {
        match body {
            None => {
                let Attributes { path, test } = attributes;
                self.declared.push(Declared { inside: self.inside.clone(), name, path, test });
            }
            Some(_) if attributes.test => {}
            Some(body) => {
                self.inside.push(name);
                self.inline.push([&self.own[..], &self.inside].concat());
                self.group(body);
                self.inside.pop();
            }
        }
    }
}

impl Attributes {
    fn read(&mut self, group: &Group) {
        let tokens: Vec<_> = group.stream().into_iter().collect();
        if let [TokenTree::Ident(name), equals, TokenTree::Literal(value)] = &tokens[..]
            && name == "path"
            && is_punct(equals, '=')
        {
            self.path = Some(value.to_string().trim_matches('"').to_owned());
        }
        self.test |= is_for_tests(group);
    }
}

/// The attribute that begins here, `#[…]` or `#![…]`, and where it ends.
fn attribute(tokens: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    is_punct(tokens.get(at)?, '#').then_some(())?;
    let at = at + 1 + usize::from(is_punct(tokens.get(at + 1)?, '!'));
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some((group, at + 1)),
        _ => None,
    }
}

/// The module that is declared here: its name, and its body if it has one here.
fn module(tokens: &[TokenTree]) -> Option<(String, Option<&Group>)> {
    let [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] = tokens else { return None };
    match end {
        _ if word != "mod" => None,
        TokenTree::Group(body) => Some((name.to_string(), Some(body))),
        end => is_punct(end, ';').then(|| (name.to_string(), None)),
    }
}

/// Of how many tokens the item, statement or field is that begins here.
fn item(tokens: &[TokenTree]) -> usize {
    let word = |at: usize| tokens.get(at).map(TokenTree::to_string).unwrap_or_default();
    let at = match tokens {
        [_, TokenTree::Group(_), ..] if word(0) == "pub" => 2,
        _ => usize::from(word(0) == "pub"),
    };
    let is_item = ITEMS.contains(&&*word(at));
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        // The generics of an item have commas too.
        token => is_punct(token, ';') || (!is_item && is_punct(token, ',')),
    };
    tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1)
}

/// Words that begin what ends with its body or a semicolon, and not with a comma.
const ITEMS: [&str; 13] = [
    "async", "const", "enum", "extern", "fn", "impl", "let", "static", "struct", "trait", "type",
    "unsafe", "use",
];

/// Whether an attribute's brackets say that what follows is there in tests only.
fn is_for_tests(group: &Group) -> bool {
    let tokens: Vec<_> = group.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(name), TokenTree::Group(cfg)] if name == "cfg" => {
            implies_test(&cfg.stream().into_iter().collect::<Vec<_>>())
        }
        _ => false,
    }
}

/// Whether a condition holds in tests only.
fn implies_test(condition: &[TokenTree]) -> bool {
    match condition {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(list)] => {
            let tokens: Vec<_> = list.stream().into_iter().collect();
            let mut all = tokens.split(|token| is_punct(token, ',')).filter(|it| !it.is_empty());
            match word.to_string().as_str() {
                "all" => all.any(implies_test),
                "any" => !tokens.is_empty() && all.all(implies_test),
                _ => false,
            }
        }
        _ => false,
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Whether `::` is next.
fn is_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_punct(first, ':') && is_punct(second, ':'))
}

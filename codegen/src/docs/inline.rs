//! Inline text: code spans and links are kept, names become code, the rest is escaped.

/// Words that look like code to clippy and are none.
const WORDS: [&str; 10] = [
    "GitHub",
    "GitLab",
    "GraphQL",
    "IPv4",
    "IPv6",
    "JavaScript",
    "NaN",
    "OAuth",
    "TypeScript",
    "WebAssembly",
];

/// The text of one line.
pub(super) fn render(text: &str) -> String {
    let mut inline = Inline {
        out: String::with_capacity(text.len() + 8),
        rest: text,
        link: false,
    };
    inline.line_start();
    inline.run();
    inline.out
}

struct Inline<'a> {
    out: String,
    rest: &'a str,
    /// Inside a link's text, where no further link may start.
    link: bool,
}

impl<'a> Inline<'a> {
    /// Escapes what would make a heading, a quote, a rule or a fence of the line.
    fn line_start(&mut self) {
        let rule = self.rest.chars().all(|c| matches!(c, '=' | '-' | ' '));
        if rule || self.rest.starts_with(['#', '>', '~', '+']) || self.rest.starts_with("--") {
            self.out.push('\\');
            let first = self.take(1);
            self.out.push_str(first);
        }
    }

    fn run(&mut self) {
        while let Some(next) = self.rest.chars().next() {
            match next {
                '`' => self.code(),
                '<' => self.angle(),
                '[' => self.bracket(),
                ']' => self.escape(),
                '\\' => self.backslash(),
                _ if next.is_whitespace() => self.copy(next.len_utf8()),
                _ => self.word(),
            }
        }
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn copy(&mut self, len: usize) {
        let taken = self.take(len);
        self.out.push_str(taken);
    }

    fn escape(&mut self) {
        self.out.push('\\');
        self.copy(1);
    }

    /// A code span that ends on this line is kept, other backticks are just characters.
    fn code(&mut self) {
        let len = run_len(self.rest);
        match closing(&self.rest[len..], len) {
            Some(end) => {
                self.gap();
                self.copy(len + end + len);
            }
            None => {
                for _ in 0..len {
                    self.escape();
                }
            }
        }
    }

    /// Keeps two code spans from growing into one.
    fn gap(&mut self) {
        if self.out.ends_with('`') && !self.out.ends_with("\\`") {
            self.out.push(' ');
        }
    }

    /// `<https://…>` is kept, other tags are just characters.
    fn angle(&mut self) {
        let end = self
            .rest
            .find('>')
            .filter(|end| url(&self.rest[1..*end]).is_some_and(|url| url.len() + 1 == *end));
        match end {
            Some(end) if !self.link => self.copy(end + 1),
            _ => self.escape(),
        }
    }

    /// `[text](https://…)` is kept, other brackets are just characters.
    fn bracket(&mut self) {
        let Some((text, target)) = link(self.rest).filter(|_| !self.link) else {
            return self.escape();
        };
        let mut inner = Inline {
            out: String::new(),
            rest: text,
            link: true,
        };
        inner.run();
        self.out.push_str(&format!("[{}]({target})", inner.out));
        self.take(text.len() + target.len() + 4);
    }

    /// A backslash that escapes something already is kept.
    fn backslash(&mut self) {
        let next = self.rest[1..].chars().next();
        if next.is_some_and(|c| c.is_ascii_punctuation()) {
            self.copy(2)
        } else {
            self.escape()
        }
    }

    fn word(&mut self) {
        if let Some(found) = url(self.rest) {
            let found = found.len();
            if self.link {
                return self.copy(found);
            }
            let url = self.take(found);
            self.out.push_str(&format!("<{url}>"));
            return;
        }
        let stops = |c: char| c.is_whitespace() || matches!(c, '`' | '<' | '[' | ']' | '\\');
        let len = self.rest.find(stops).unwrap_or(self.rest.len());
        let len = self.rest[..len]
            .match_indices("http")
            .map(|(at, _)| at)
            .find(|at| *at > 0 && url(&self.rest[*at..]).is_some())
            .unwrap_or(len);
        let word = self.take(len);
        let (prefix, trimmed, suffix) = core(word);
        if is_code(trimmed) && !is_emphasis(word) {
            self.out.push_str(prefix);
            self.gap();
            self.out.push_str(&format!("`{trimmed}`{suffix}"));
        } else {
            self.out.push_str(word);
        }
    }
}

/// A word without the punctuation around it, which comes before and after. Colons that lead or end a path
/// are the path's.
fn core(word: &str) -> (&str, &str, &str) {
    let outside = |c: char| !c.is_alphanumeric() && c != '_';
    let mut start = word.len() - word.trim_start_matches(outside).len();
    let mut end = match word.trim_end_matches(|c| outside(c) && c != ')') {
        call if call.ends_with("()") => call.len(),
        _ => word.trim_end_matches(outside).len(),
    };
    if start >= end {
        return (word, "", "");
    }
    if word[..start].ends_with("::") {
        start -= 2;
    }
    if word[end..].starts_with("::") {
        end += 2;
    }
    (&word[..start], &word[start..end], &word[end..])
}

/// Whether a word is a name in some language rather than a word of prose.
fn is_code(word: &str) -> bool {
    let mut names = word
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|name| !name.is_empty());
    word.contains("::")
        || word.ends_with("()")
        || names.any(|name| name.contains('_') || is_camel(name))
}

fn is_camel(name: &str) -> bool {
    let name = name.strip_suffix('s').unwrap_or(name);
    let capitals = name.chars().filter(|c| c.is_uppercase()).count();
    capitals > 1 && name.chars().any(char::is_lowercase) && !WORDS.contains(&name)
}

/// `_word_`, which Markdown sets in italics.
fn is_emphasis(word: &str) -> bool {
    let inner = word
        .strip_prefix('_')
        .and_then(|word| word.strip_suffix('_'));
    inner.is_some_and(|inner| {
        !inner.is_empty() && inner.chars().all(char::is_alphabetic) && !is_camel(inner)
    })
}

fn run_len(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

/// Where a run of exactly `len` backticks starts.
fn closing(text: &str, len: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = text[at..].find('`') {
        let run = run_len(&text[at + next..]);
        if run == len {
            return Some(at + next).filter(|end| !text[..*end].trim().is_empty());
        }
        at += next + run;
    }
    None
}

/// The URL that the text starts with, without the punctuation of the sentence around it.
fn url(text: &str) -> Option<&str> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.starts_with(scheme))?;
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '\\'))
        .unwrap_or(text.len());
    let mut url = &text[..end];
    loop {
        let open = |opening, closing| url.matches(closing).count() > url.matches(opening).count();
        let closes =
            (url.ends_with(')') && open('(', ')')) || (url.ends_with(']') && open('[', ']'));
        if closes || url.ends_with(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '|']) {
            url = &url[..url.len() - 1];
        } else {
            return (url.len() > scheme.len()).then_some(url);
        }
    }
}

/// The text and the target of a link to the web.
fn link(text: &str) -> Option<(&str, &str)> {
    let (text, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, _) = rest.split_once(')')?;
    let web = target.starts_with("https://") || target.starts_with("http://");
    let plain =
        !target.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | '\\'));
    (web && plain && !text.is_empty() && !text.contains(['[', ']'])).then_some((text, target))
}

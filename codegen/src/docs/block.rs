//! Blocks: paragraphs, lists and code.

use super::{indent, inline};

/// Lines of a comment, dedented, as lines of rustdoc.
pub(super) fn render(lines: &[String]) -> Vec<String> {
    let mut blocks = Blocks {
        out: Vec::new(),
        list: Vec::new(),
        after_blank: true,
    };
    let mut index = 0;
    while index < lines.len() {
        index += blocks.take(&lines[index..]);
    }
    while blocks.out.last().is_some_and(String::is_empty) {
        blocks.out.pop();
    }
    blocks.out
}

struct Blocks {
    out: Vec<String>,
    /// The list items that the next line may continue, outermost first.
    list: Vec<Item>,
    after_blank: bool,
}

struct Item {
    /// Where its marker stands in the comment.
    indent: usize,
    /// Where its text starts in the docs.
    column: usize,
}

impl Blocks {
    /// Takes the block or the line that comes next; how many lines that is.
    fn take(&mut self, lines: &[String]) -> usize {
        let (line, text) = (&lines[0], lines[0].trim_start());
        if text.is_empty() {
            if self.out.last().is_some_and(|last| !last.is_empty()) {
                self.out.push(String::new());
            }
            self.after_blank = true;
            return 1;
        }
        if let Some(len) = fenced(lines) {
            let body = &lines[1..len - 1];
            self.code(body, indent(line));
            return len;
        }
        if indent(line) >= 4 && self.after_blank && self.list.is_empty() {
            let len = indented(lines);
            self.code(&lines[..len], 4);
            return len;
        }
        match marker(text) {
            Some(marker) if self.starts_item(marker) => {
                self.item(indent(line), marker, &text[marker.len()..])
            }
            _ => self.text(indent(line), text),
        }
        self.after_blank = false;
        1
    }

    /// Code that is never a doctest.
    fn code(&mut self, body: &[String], indented: usize) {
        let column = self.continued(indented);
        let prefix = " ".repeat(column);
        let fence_len = body
            .iter()
            .map(|line| longest_run(line))
            .max()
            .unwrap_or(0)
            .max(2)
            + 1;
        let fence = "`".repeat(fence_len);
        self.out.push(format!("{prefix}{fence}text"));
        for line in body {
            let line = line.get(indented.min(indent(line))..).unwrap_or_default();
            self.out
                .push(format!("{prefix}{line}").trim_end().to_owned());
        }
        self.out.push(format!("{prefix}{fence}"));
        self.after_blank = false;
    }

    /// In the middle of a paragraph only a bullet or a `1.` starts a list.
    fn starts_item(&self, marker: &str) -> bool {
        let numbered = marker.starts_with(|c: char| c.is_ascii_digit());
        self.after_blank
            || !self.list.is_empty()
            || !numbered
            || marker.starts_with("1.")
            || marker.starts_with("1)")
    }

    fn item(&mut self, indent: usize, marker: &str, text: &str) {
        self.list.retain(|item| item.indent < indent);
        let outer = self.list.last().map_or(0, |item| item.column);
        self.list.push(Item {
            indent,
            column: outer + marker.len() + 1,
        });
        self.out.push(format!(
            "{}{marker} {}",
            " ".repeat(outer),
            inline::render(text.trim_start())
        ));
    }

    fn text(&mut self, indent: usize, text: &str) {
        let column = self.continued(indent);
        self.out
            .push(format!("{}{}", " ".repeat(column), inline::render(text)));
    }

    /// Where a line of this indentation starts in the docs: below the list item it continues.
    fn continued(&mut self, indent: usize) -> usize {
        if self.after_blank {
            self.list.retain(|item| item.indent < indent);
        }
        self.list.last().map_or(0, |item| item.column)
    }
}

/// How many lines a fenced block takes, if its end is there.
fn fenced(lines: &[String]) -> Option<usize> {
    let open = lines[0].trim_start();
    let sign = open.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = open.chars().take_while(|c| *c == sign).count();
    if len < 3 || (sign == '`' && open[len..].contains('`')) {
        return None;
    }
    let closes = |line: &String| {
        let line = line.trim();
        line.chars().count() >= len && line.chars().all(|c| c == sign)
    };
    lines.iter().skip(1).position(closes).map(|body| body + 2)
}

/// How many lines an indented block takes.
fn indented(lines: &[String]) -> usize {
    let code = |line: &&String| line.trim().is_empty() || indent(line) >= 4;
    let mut len = lines.iter().take_while(code).count();
    while lines[len - 1].trim().is_empty() {
        len -= 1;
    }
    len
}

/// The list marker that a line starts with.
fn marker(text: &str) -> Option<&str> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let len = match (digits, text[digits..].chars().next()?) {
        (0, '-' | '*' | '+') => 1,
        (1..=9, '.' | ')') => digits + 1,
        _ => return None,
    };
    let (marker, rest) = text.split_at(len);
    (rest.starts_with(' ') && !rest.trim().is_empty()).then_some(marker)
}

fn longest_run(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

//! Aggregates: where a field is set within the `{ … }` of an option, of which descriptors know only
//! the whole.

use std::ops::Range;

/// The bytes of `source` that set the field which `names` lead to, in the option that starts at
/// `start`; the field around it when that one is not set.
pub(super) fn find(source: &str, start: usize, names: &[String]) -> Option<Range<usize>> {
    let equals = start + source.get(start..)?.find('=')?;
    let mut scan = Scan {
        source,
        at: equals + 1,
    };
    scan.space();
    scan.open()?;
    scan.field(names)
}

struct Scan<'a> {
    source: &'a str,
    at: usize,
}

impl Scan<'_> {
    /// Reads up to the field of this name, within the braces around it.
    fn field(&mut self, names: &[String]) -> Option<Range<usize>> {
        let (name, inner) = names.split_first()?;
        loop {
            self.space();
            let start = self.at;
            self.word();
            if self.at == start {
                return None;
            }
            let word = start..self.at;
            self.space();
            if self.peek() == Some(':') {
                self.at += 1;
                self.space();
            }
            let wanted = &self.source[word.clone()] == name;
            let braced = matches!(self.peek(), Some('{' | '<'));
            if wanted && braced {
                self.open()?;
                return self.field(inner).or(Some(word));
            }
            self.value()?;
            if wanted {
                return Some(start..self.at);
            }
        }
    }

    /// Skips what lies between fields.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed =
                rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ';');
            let comment = match trimmed {
                line if line.starts_with("//") || line.starts_with('#') => line.find('\n'),
                block if block.starts_with("/*") => block.find("*/").map(|end| end + 2),
                _ => Some(0),
            };
            self.at += rest.len() - trimmed.len() + comment.unwrap_or(trimmed.len());
            if comment == Some(0) {
                return;
            }
        }
    }

    /// Skips a name, or the `[name]` of an extension.
    fn word(&mut self) {
        if self.peek() == Some('[') {
            let end = self.rest().find(']').map_or(0, |end| end + 1);
            self.at += end;
            return;
        }
        let is_word = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
        let rest = self.rest();
        self.at += rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    }

    /// Skips a value, whatever it is.
    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            '{' | '<' | '[' => {
                self.at += 1;
                loop {
                    self.space();
                    match self.peek()? {
                        '}' | '>' | ']' => break,
                        ':' => self.at += 1,
                        _ => self.value()?,
                    }
                }
                self.at += 1;
            }
            quote @ ('"' | '\'') => {
                let mut escaped = false;
                let body = self.rest().get(1..)?;
                let end = body.find(|c| {
                    let ends = c == quote && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                })?;
                self.at += end + 2;
            }
            _ => {
                let start = self.at;
                self.word();
                if self.at == start {
                    return None;
                }
            }
        }
        Some(())
    }

    fn open(&mut self) -> Option<()> {
        let brace = self.peek().filter(|c| matches!(c, '{' | '<'))?;
        self.at += brace.len_utf8();
        Some(())
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Option<&'static str> {
        const OPTION: &str = r#"option (p) = {
            # retry { not_this: 1 }
            name: "a \"} retry: 1", list: [{ retry: 2 }, 3] other < retry: 4 >
            [ext.ension]: -5; retry: { /* max: 6 */ max: 7, span {} codes: ["A", "B"] }
        };"#;
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        find(OPTION, 0, &names).map(|range| &OPTION[range])
    }

    #[test]
    fn finds_what_is_set_and_what_is_around_it() {
        assert_eq!(found(&["retry", "max"]), Some("max: 7"));
        assert_eq!(found(&["retry", "span", "nanos"]), Some("span"));
        assert_eq!(found(&["retry", "codes"]), Some(r#"codes: ["A", "B"]"#));
        assert_eq!(found(&["retry", "absent"]), Some("retry"));
        assert_eq!(found(&["other", "retry"]), Some("retry: 4"));
        assert_eq!(found(&["absent"]), None);
    }

    #[test]
    fn what_is_cut_short_is_not_found_nor_searched_for_ever() {
        let text = r#"option (p) = { a: "b" c { d: [1, { e: 2 } ] } /* f */ }"#;
        for end in 0..text.len() {
            let _ = find(&text[..end], 0, &["x".to_owned()]);
        }
    }
}

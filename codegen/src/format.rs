//! Format: tokens become a file that reads as if a person had written it.

const WIDTH_MAX: usize = 100;

/// prettyplease, and the touches it leaves out: blank lines between items, constants on few lines, and
/// tables a row to a line. A table's macro has its number until then: `message!(7);`.
pub(crate) fn file(items: Vec<syn::Item>, tables: &[String]) -> String {
    let file = syn::File {
        shebang: None,
        attrs: Vec::new(),
        items,
    };
    let code = prettyplease::unparse(&file);
    self::tables(&space(&routes(&derives(&constants(&code)))), tables)
}

/// Puts tables where their numbers are, apart from what is before.
fn tables(code: &str, tables: &[String]) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    for line in code.lines() {
        let call = line.trim_start();
        let table = call
            .strip_suffix(");")
            .and_then(|call| call.split_once("!("))
            .filter(|(path, _)| path.contains("::codegen::"))
            .and_then(|(path, number)| Some((path, tables.get(number.parse::<usize>().ok()?)?)));
        let Some((path, table)) = table else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let indent = &line[..line.len() - call.len()];
        out.push_str(&format!("\n{indent}{path}!("));
        out.push_str(&table.replace('\n', &format!("\n{indent}")));
        out.push_str(");\n");
    }
    out
}

/// Lays out each `pub const … = …;` anew: on one line, or broken after its `=` and before its dots.
fn constants(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with("pub const ") {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut statement = line.to_owned();
        while !statement.ends_with(';') {
            match lines.next() {
                Some(line) => join(&mut statement, line.trim()),
                None => break,
            }
        }
        out.push_str(&constant(&statement));
    }
    out
}

/// Puts a list of derives that fits on one line on one line.
fn derives(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        if line.trim_start() == "#[derive(" {
            let list: Vec<_> = lines
                .by_ref()
                .map(str::trim)
                .take_while(|line| *line != ")]")
                .collect();
            let one = list.join(" ");
            if line.len() + one.len() + 2 <= WIDTH_MAX {
                out.push_str(&one);
                out.push_str(")]");
            } else {
                let indent = " ".repeat(line.len() - line.trim_start().len());
                list.iter()
                    .for_each(|derive| out.push_str(&format!("\n{indent}    {derive}")));
                out.push_str(&format!("\n{indent})]"));
            }
        }
        out.push('\n');
    }
    out
}

/// Puts a server function's only method on the line of its `Routes`, where both fit.
fn routes(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut lines = code.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        let call = lines
            .peek()
            .map(|next| next.trim_start())
            .filter(|next| next.starts_with('.'));
        if let Some(call) = call
            .filter(|call| line.contains("::Routes::new(") && line.len() + call.len() <= WIDTH_MAX)
        {
            let mut ahead = lines.clone();
            ahead.next();
            if ahead.next() == Some("}") {
                out.push_str(call);
                lines.next();
            }
        }
        out.push('\n');
    }
    out
}

fn join(statement: &mut String, line: &str) {
    let closes = line.starts_with([')', '>']);
    if closes && statement.ends_with(',') {
        statement.pop();
    } else if statement.ends_with([',', '=']) {
        statement.push(' ');
    }
    statement.push_str(line);
}

fn constant(statement: &str) -> String {
    let Some((head, value)) = statement.split_once(" = ") else {
        return format!("{statement}\n");
    };
    if statement.len() <= WIDTH_MAX {
        return format!("{statement}\n");
    }
    let calls = calls(value);
    let chain = value.len() + 4 > WIDTH_MAX && calls.len() > 1;
    let separator = if chain { "\n        " } else { "" };
    format!("{head} =\n    {}\n", calls.join(separator))
}

/// A chain of calls, apart; dots within literals are no calls.
fn calls(value: &str) -> Vec<&str> {
    let (mut calls, mut start, mut quoted, mut previous) = (Vec::new(), 0, false, ' ');
    let mut characters = value.char_indices();
    while let Some((at, next)) = characters.next() {
        match next {
            '\\' if quoted => drop(characters.next()),
            '"' => quoted = !quoted,
            '.' if !quoted && previous == ')' => {
                calls.push(&value[start..at]);
                start = at;
            }
            _ => {}
        }
        previous = next;
    }
    calls.push(&value[start..]);
    calls
}

/// Puts a blank line between items.
fn space(code: &str) -> String {
    const STARTS: [&str; 10] = [
        "///",
        "//!",
        "#[",
        "pub ",
        "impl",
        "fn ",
        "const ",
        "mod ",
        "async fn ",
        "type ",
    ];
    let mut out = String::with_capacity(code.len() + code.len() / 16);
    let mut previous = "";
    for line in code.lines() {
        let text = line.trim_start();
        let opens = STARTS.iter().any(|start| text.starts_with(start));
        let closed = previous.ends_with(['}', ';']) && !previous.starts_with("//");
        if closed && opens {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        previous = text;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn a_call_in_a_literal_is_none() {
        let value = r#"Method::unary("/a").options(b"f(\"x\").y()").deprecated();"#;
        assert_eq!(
            calls(value),
            [
                r#"Method::unary("/a")"#,
                r#".options(b"f(\"x\").y()")"#,
                ".deprecated();"
            ]
        );
    }
}

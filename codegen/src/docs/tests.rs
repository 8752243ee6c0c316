use super::clean;

#[track_caller]
fn becomes(comment: &str, docs: &str) {
    assert_eq!(clean(comment).join("\n"), docs);
}

#[test]
fn prose_stays_prose() {
    becomes(
        " Says hello.\n\n Twice, if asked.\n",
        "Says hello.\n\nTwice, if asked.",
    );
    becomes(" \n \n", "");
    becomes(
        "* Block comment.\n And more.\n",
        "Block comment.\nAnd more.",
    );
    becomes("/ Triple slash.\n/ And more.\n", "Triple slash.\nAnd more.");
}

#[test]
fn code_is_never_a_doctest() {
    becomes(
        " See:\n\n     let x = 1;\n\n Done.\n",
        "See:\n\n```text\nlet x = 1;\n```\n\nDone.",
    );
    becomes(" ```rust\n panic!()\n ```\n", "```text\npanic!()\n```");
    becomes(" ~~~\n ```\n ~~~\n", "````text\n```\n````");
    becomes(" ```\n never closed\n", "\\`\\`\\`\nnever closed");
}

#[test]
fn markup_is_text() {
    becomes(" a [b] c\n", "a \\[b\\] c");
    becomes(" Vec<u8> and <b>\n", "Vec\\<u8> and \\<b>");
    becomes(
        " see https://example.com/a_b.\n",
        "see <https://example.com/a_b>.",
    );
    becomes(" (https://example.com)\n", "(<https://example.com>)");
    becomes(" <https://example.com>\n", "<https://example.com>");
    becomes(
        " [docs](https://example.com/a)\n",
        "[docs](https://example.com/a)",
    );
    becomes(" [docs](other.md)\n", "\\[docs\\](other.md)");
    becomes(" a ` b\n", "a \\` b");
    becomes(" # of retries\n", "\\# of retries");
    becomes(" Title\n -----\n", "Title\n\\-----");
    becomes(" C:\\dir \\[x\\]\n", "C:\\\\dir \\[x\\]");
}

#[test]
fn names_are_code() {
    becomes(
        " The user_id of a FooBar.\n",
        "The `user_id` of a `FooBar`.",
    );
    becomes(
        " Calls foo(), **FooBar** and `x`FooBar\n",
        "Calls `foo()`, **`FooBar`** and `x` `FooBar`",
    );
    becomes(
        " an _important_ word, OAuth and IDs\n",
        "an _important_ word, OAuth and IDs",
    );
}

#[test]
fn lists_keep_their_shape() {
    becomes(
        " - one\n more\n - two\n   - three\n\n After.\n",
        "- one\n  more\n- two\n  - three\n\nAfter.",
    );
    becomes(" 1. one\n    more\n 2. two\n", "1. one\n   more\n2. two");
    becomes(" In\n 1986. A year.\n", "In\n1986. A year.");
}

#[test]
fn hidden_characters_go() {
    becomes(" a\u{202e}b\u{0}c\r\n d\n", "abc\nd");
}

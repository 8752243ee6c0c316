//! Glob patterns: `*` within one directory, `**` across directories, `?` for one character.

/// Whether the whole of `text` matches `pattern`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<_> = pattern.split('/').collect();
    let text: Vec<_> = text.split('/').collect();
    path_matches(&pattern, &text)
}

fn path_matches(pattern: &[&str], text: &[&str]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            path_matches(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(_, text)| path_matches(pattern, text))
        }
        (Some((first, rest)), Some((name, text))) => {
            name_matches(first.as_bytes(), name.as_bytes()) && path_matches(rest, text)
        }
        _ => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            name_matches(rest, name)
                || name
                    .split_first()
                    .is_some_and(|(_, name)| name_matches(pattern, name))
        }
        (Some((b'?', rest)), Some((_, name))) => name_matches(rest, name),
        (Some((a, rest)), Some((b, name))) => a == b && name_matches(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        assert!(matches("shop/*.proto", "shop/cart.proto"));
        assert!(!matches("*.proto", "shop/cart.proto"));
        assert!(matches("**/*.proto", "cart.proto"));
        assert!(matches("**/v1/*.proto", "shop/v1/cart.proto"));
        assert!(matches("shop/**", "shop/v1/cart.proto"));
        assert!(matches("cart?.proto", "cart2.proto"));
        assert!(!matches("shop/**", "store/v1/cart.proto"));
    }
}

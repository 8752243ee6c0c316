//! Near names: what someone probably meant.

/// The candidate closest to `wanted`, when close enough to be a slip of the hand.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let distance_max = (wanted.chars().count() / 3).clamp(1, 4);
    let score = |candidate: &str| {
        let edits = if completes(wanted, candidate) {
            1
        } else {
            distance(wanted, candidate, char::to_ascii_lowercase)
        };
        (edits, distance(wanted, candidate, |c| *c))
    };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .map(|candidate| (score(candidate), candidate))
        .filter(|((edits, _), _)| *edits <= distance_max)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", when there is a near name.
pub(crate) fn hint<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(wanted, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Whether someone may have stopped typing too early.
fn completes(wanted: &str, candidate: &str) -> bool {
    wanted.len() >= 4 && candidate.starts_with(wanted)
}

/// Edits between two words, where swapped neighbours are one.
fn distance(a: &str, b: &str, normal: fn(&char) -> char) -> usize {
    let [a, b] = [a, b].map(|word| word.chars().map(|c| normal(&c)).collect::<Vec<_>>());
    let mut rows = [
        vec![0; b.len() + 1],
        (0..=b.len()).collect(),
        vec![0; b.len() + 1],
    ];
    for i in 1..=a.len() {
        let [before, last, row] = &mut rows;
        row[0] = i;
        for j in 1..=b.len() {
            let substitution = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitution.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        assert_eq!(nearest("Adress", ["Address", "Order"]), Some("Address"));
        assert_eq!(nearest("Oredr", ["Address", "Order"]), Some("Order"));
        assert_eq!(nearest("order", ["Order"]), Some("Order"));
        assert_eq!(nearest("Customer", ["Address", "Order"]), None);
    }
}

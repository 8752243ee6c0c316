//! Near names: what someone probably meant.

/// The candidate that `wanted` was probably meant to be.
pub(super) fn nearest<'a>(wanted: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let edits_max = (wanted.chars().count() / 3).clamp(1, 4);
    let plain = |word: &str| -> Vec<char> {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(wanted);
    let near = candidates.iter().map(|candidate| {
        let edits = edits(&wanted, &plain(candidate));
        (edits, *candidate)
    });
    let near = near.filter(|(edits, _)| *edits <= edits_max).min();
    near.map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out or changed to come from one word to the other.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<_> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

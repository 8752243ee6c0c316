//! What goes in comes out in the same order, however little is written at once.

use super::*;

/// Appends to an outbox and remembers what it should hold.
#[derive(Default)]
struct Both {
    outbox: Outbox,
    bytes: Vec<u8>,
}

impl Both {
    /// A frame of `head` and a payload, told apart by what they are made of.
    fn frame(&mut self, head: usize, payload: usize) {
        let mark = self.bytes.len() as u8;
        let head = vec![mark; head];
        self.outbox.frames().extend_from_slice(&head);
        self.bytes.extend_from_slice(&head);
        let payload: Vec<u8> = (0..payload).map(|nth| mark ^ (nth % 251) as u8).collect();
        self.bytes.extend_from_slice(&payload);
        self.outbox.payload(payload.into());
        assert_eq!(self.outbox.len(), self.bytes.len());
    }

    /// The pieces are how what is left begins; how many, and how many bytes.
    fn check(&self, left: &[u8]) -> (usize, usize) {
        assert_eq!(self.outbox.len(), left.len());
        assert_eq!(self.outbox.is_empty(), left.is_empty());
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        let count = self.outbox.pieces(&mut pieces);
        let mut at = 0;
        for piece in &pieces[..count] {
            assert!(!piece.is_empty());
            assert!(left[at..].starts_with(piece), "piece at {at}");
            at += piece.len();
        }
        assert!(at == left.len() || count >= PIECES_MAX - 1);
        assert!(at > 0 || left.is_empty());
        (count, at)
    }

    fn write_out(mut self, mut step: impl FnMut(usize) -> usize) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut left = &bytes[..];
        while !left.is_empty() {
            let (_, ready) = self.check(left);
            let step = step(ready);
            self.outbox.advance(step);
            left = &left[step..];
        }
        self.check(left);
        assert!(self.outbox.small.is_empty() && self.outbox.shared.is_empty());
        assert_eq!((self.outbox.written, self.outbox.shared_bytes), (0, 0));
    }
}

fn small_large_small() -> Both {
    let mut both = Both::default();
    both.frame(9, 20);
    both.frame(9, SHARED_BYTES_MIN);
    both.frame(9, SHARED_BYTES_MIN - 1);
    both.frame(0, SHARED_BYTES_MIN + 1);
    both.frame(9, 0);
    both
}

#[test]
fn small_and_large_ones_keep_their_order() {
    let both = small_large_small();
    assert_eq!(
        both.check(&both.bytes).0,
        5,
        "four buffers, and two of them shared"
    );
    assert_eq!(both.outbox.shared.len(), 2);
    both.write_out(|ready| ready);
}

#[test]
fn written_by_every_count() {
    let whole = small_large_small().bytes.len();
    for count in (1..60).chain(4_000..4_200).chain(whole - 40..=whole) {
        let mut both = small_large_small();
        let bytes = both.bytes.clone();
        both.outbox.advance(count);
        both.check(&bytes[count..]);
        // What comes meanwhile comes after it.
        both.bytes.drain(..count);
        both.frame(9, 5_000);
        both.write_out(|ready| ready.min(count));
    }
    small_large_small().write_out(|_| 1);
}

#[test]
fn more_pieces_than_one_call_writes() {
    for (head, count) in [(9, 40usize), (0, 100), (9, 100), (0, 64), (9, 32)] {
        let mut both = Both::default();
        for _ in 0..count {
            both.frame(head, SHARED_BYTES_MIN);
        }
        both.frame(9, 1);
        let mut calls = 0;
        both.write_out(|ready| {
            calls += 1;
            ready
        });
        let pieces = count * if head > 0 { 2 } else { 1 } + 1;
        let least = pieces.div_ceil(PIECES_MAX);
        assert!(
            (least..=least + 1).contains(&calls),
            "{calls} calls for {pieces} pieces"
        );
    }
}

/// A buffer that has once been large is not kept for ever.
#[test]
fn memory_is_given_back() {
    let mut both = Both::default();
    for _ in 0..40 {
        both.frame(9, SHARED_BYTES_MIN - 1);
    }
    assert!(both.outbox.small.capacity() > KEPT_BYTES_MAX);
    let all = both.outbox.len();
    both.outbox.advance(all);
    assert_eq!(both.outbox.small.capacity(), 0);
    let mut both = Both::default();
    both.frame(9, 100);
    both.outbox.release();
    assert_eq!(both.outbox.len(), 109, "it still holds something");
    both.outbox.advance(109);
    assert!(both.outbox.small.capacity() > 0);
    both.outbox.release();
    assert_eq!(both.outbox.small.capacity(), 0);
}

use super::*;

fn left(window: Window) -> i64 {
    window.0
}

#[test]
fn below_zero_nothing_fits() {
    let mut window = Window::new(10);
    assert_eq!(window.grow(-30), Ok(()));
    assert_eq!((left(window), window.room(1), window.room(0)), (-20, 0, 0));
    assert!(window.take_received(1).is_err());
    assert_eq!(
        window.take_received(0),
        Ok(()),
        "an empty frame always fits"
    );
    assert_eq!(window.grow(20), Ok(()));
    assert_eq!(window.room(1), 0);
    assert_eq!(window.grow(1), Ok(()));
    assert_eq!((window.room(0), window.room(1), window.room(2)), (0, 1, 1));
}

#[test]
fn as_much_as_fits_and_not_a_byte_more() {
    let mut window = Window::new(100);
    assert_eq!(
        (window.room(99), window.room(100), window.room(101)),
        (99, 100, 100)
    );
    let over = window.take_received(101).map_err(|fatal| fatal.reason);
    assert_eq!((over, left(window)), (Err(Reason::FlowControl), 100));
    assert_eq!(window.take_received(100), Ok(()));
    assert_eq!(left(window), 0);
    window.give_back(60);
    window.take(25);
    assert_eq!(left(window), 35);
}

#[test]
fn at_the_largest_and_above() {
    let mut window = Window::new(WINDOW_MAX - 1);
    assert_eq!(window.grow(1), Ok(()));
    assert_eq!(window.room(usize::MAX), WINDOW_MAX as usize);
    let over = window.grow(1).map_err(|fatal| fatal.reason);
    assert_eq!(over, Err(Reason::FlowControl));
    // The most that one frame can add, at the lowest and at the highest.
    assert_eq!(Window::new(0).grow(WINDOW_MAX), Ok(()));
    assert!(Window::new(1).grow(WINDOW_MAX).is_err());
    assert_eq!(Window::new(-WINDOW_MAX).grow(WINDOW_MAX), Ok(()));
}

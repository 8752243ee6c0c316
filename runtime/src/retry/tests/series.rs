//! Retries: one attempt after another.

use super::{budget, fake::*, loose, one, retry, within};
use crate::{limits::Limits, status::Code};

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_again_as_its_policy_says() {
    fastrand::seed(1);
    check(
        "
        answered at once             | retry 3    | ok | ok | 0#-
        answered late                | retry 3    | ok@5000 | ok | 0#-
        one failure                  | retry 3    | unavailable ok | ok | 0#- ~100#1
        two failures                 | retry 3    | unavailable unavailable ok | ok | 0#- ~100#1 ~200#2
        two codes                    | retry 3    | resourceexhausted unavailable ok | ok | 0#- ~100#1 ~200#2
        slow failures                | retry 3    | unavailable@50 ok | ok | 0#- ~150#1
        two allowed                  | retry 2    | unavailable unavailable | unavailable | 0#- ~100#1
        three allowed                | retry 3    | unavailable unavailable unavailable | unavailable | 0#- ~100#1 ~200#2
        the last status counts       | retry 2    | unavailable resourceexhausted | resourceexhausted | 0#- ~100#1
        the last may succeed         | retry 4    | unavailable unavailable unavailable ok | ok | 0#- ~100#1 ~200#2 ~400#3
        the longest backoff          | retry 5    | unavailable unavailable unavailable unavailable ok | ok | 0#- ~100#1 ~200#2 ~400#3 ~500#4
        fatal at once                | retry 3    | notfound | notfound | 0#-
        fatal after a failure        | retry 3    | unavailable internal | internal | 0#- ~100#1
        cancelled                    | retry 3    | cancelled | cancelled | 0#-
        unknown                      | retry 3    | unknown | unknown | 0#-
        deadline of the server's     | retry 3    | deadlineexceeded | deadlineexceeded | 0#-
        not idempotent               | one        | unavailable | unavailable | 0#-
        by default                   | idempotent | unavailable unavailable ok | ok | 0#- ~50#1 ~100#2
        by default, three            | safe       | unavailable unavailable unavailable | unavailable | 0#- ~50#1 ~100#2
        by default, only UNAVAILABLE | safe       | resourceexhausted | resourceexhausted | 0#-
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_more_than_five_attempts_are_made() {
    fastrand::seed(2);
    let untamed = within(loose(), Limits::default());
    for allowed in [5, 6, 10, u32::MAX] {
        let steps = "unavailable ".repeat(5);
        let run = run(retry(allowed), &steps, &untamed, None).await;
        assert_eq!(
            (run.end().as_str(), run.seen.len()),
            ("unavailable", 5),
            "{allowed}"
        );
    }
    for allowed in [0, 1] {
        let run = run(retry(allowed), "unavailable", &untamed, None).await;
        assert_eq!(
            (run.end().as_str(), run.seen.len()),
            ("unavailable", 1),
            "{allowed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_codes_of_the_policy_are_tried_again() {
    for code in (0..17).map(Code::from_i32) {
        let name = format!("{code:?}").to_lowercase();
        let covered = [Code::Unavailable, Code::ResourceExhausted].contains(&code);
        let steps = format!("{name} ok ok");
        let run = match name.as_str() {
            "ok" => continue,
            _ => run(retry(3), &steps, &budget(), None).await,
        };
        let wanted = if covered {
            ("ok", 2)
        } else {
            (name.as_str(), 1)
        };
        assert_eq!((run.end().as_str(), run.seen.len()), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_says_when() {
    fastrand::seed(3);
    check(
        "
        later                   | retry 3 | unavailable!700 ok | ok | 0#- 700#1
        at once                 | retry 3 | unavailable!0 ok | ok | 0#- 0#1
        then as at first        | retry 5 | unavailable!700 unavailable unavailable ok | ok | 0#- 700#1 ~100#2 ~200#3
        in between              | retry 5 | unavailable unavailable!700 unavailable ok | ok | 0#- ~100#1 700#2 ~100#3
        twice                   | retry 5 | unavailable!30 unavailable!40 ok | ok | 0#- 30#1 40#2
        leading zeros           | retry 3 | unavailable!0040 ok | ok | 0#- 40#1
        never                   | retry 3 | unavailable!-1 | unavailable!-1 | 0#-
        never, much so          | retry 3 | unavailable!-2147483648 | unavailable!-2147483648 | 0#-
        never, the second time  | retry 3 | unavailable unavailable!-1 | unavailable!-1 | 0#- ~100#1
        no number               | retry 3 | unavailable!soon | unavailable!soon | 0#-
        a fraction              | retry 3 | unavailable!1.5 | unavailable!1.5 | 0#-
        a unit                  | retry 3 | unavailable!5ms | unavailable!5ms | 0#-
        over 32 bits            | retry 3 | unavailable!2147483648 | unavailable!2147483648 | 0#-
        two values              | retry 3 | unavailable!5,6 | unavailable!5 | 0#-
        of a fatal code         | retry 3 | internal!10 | internal!10 | 0#-
        without a policy        | one     | unavailable!10 | unavailable!10 | 0#-
        beyond the last attempt | retry 2 | unavailable unavailable!10 | unavailable!10 | 0#- ~100#1
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_spans_all_attempts() {
    fastrand::seed(4);
    check(
        "
        within it                      | retry 3 within 1000 | unavailable ok | ok | 0#- ~100#1
        during the first               | retry 3 within 60   | hang | deadlineexceeded | 0#-x
        during the second              | retry 3 within 300  | unavailable hang | deadlineexceeded | 0#- ~100#1x
        before the backoff ends        | retry 3 within 60   | unavailable | unavailable | 0#-
        before the second backoff ends | retry 3 within 250  | unavailable@20 unavailable@20 | unavailable | 0#- ~120#1
        before the server wants it     | retry 3 within 500  | unavailable!700 | unavailable!700 | 0#-
        as the server wants it         | retry 3 within 700  | unavailable!700 | unavailable!700 | 0#-
        after a transparent one        | one within 60       | refused hang | deadlineexceeded | 0#- 0#-x
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_be_late_ends_at_once() {
    let run = run(retry(3), "unavailable@10", &budget(), Some(60)).await;
    assert_eq!(
        (run.end().as_str(), run.took.as_millis()),
        ("unavailable", 10)
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_server_did_not_do_is_tried_again_unasked() {
    fastrand::seed(5);
    check(
        "
        never left                    | one     | unsent ok | ok | 0#- 0#-
        never left, often             | one     | unsent unsent unsent unsent ok | ok | 0#- 0#- 0#- 0#- 0#-
        refused                       | one     | refused ok | ok | 0#- 0#-
        refused twice                 | one     | refused refused | unavailable | 0#- 0#-
        both                          | one     | unsent refused unsent ok | ok | 0#- 0#- 0#- 0#-
        refused twice, with a policy  | retry 3 | refused refused ok | ok | 0#- 0#- ~100#1
        no attempt of the policy's    | retry 2 | unsent refused unavailable ok | ok | 0#- 0#- 0#- ~100#1
        on the second attempt         | retry 2 | unavailable refused ok | ok | 0#- ~100#1 0#1
        unsent, on the second attempt | retry 2 | unavailable unsent ok | ok | 0#- ~100#1 0#1
        once for all attempts         | retry 2 | refused unavailable refused | unavailable | 0#- 0#- ~100#1
        then a failure                | one     | refused internal | internal | 0#- 0#-
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_never_leaves_is_given_up_in_the_end() {
    let steps = "unsent ".repeat(11);
    let run = run(one(), &steps, &budget(), None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("unavailable", 11));
}

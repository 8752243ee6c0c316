//! Hedges: several attempts at a time.

use super::{budget, fake::*, hedge, within};
use crate::{limits::Limits, retry::Throttle};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn attempts_begin_one_delay_apart() {
    check(
        "
        answered at once            | hedge 3 100             | ok | ok | 0#-
        answered in time            | hedge 3 100             | ok@90 | ok | 0#-
        the second answers          | hedge 3 100             | hang ok@10 | ok | 0#-x 100#1
        the first answers, late     | hedge 3 100             | ok@150 hang | ok | 0#- 100#1x
        the third answers           | hedge 3 100             | hang hang ok | ok | 0#-x 100#1x 100#2
        no more than allowed        | hedge 2 100 within 1000 | hang hang | deadlineexceeded | 0#-x 100#1x
        all at once                 | hedge 3 0               | hang hang ok@5 | ok | 0#-x 0#1x 0#2
        all at once, the first wins | hedge 3 0               | ok@5 ok@6 ok@7 | ok | 0#- 0#1x 0#2x
        a deadline ends all         | hedge 4 100 within 250  | hang hang hang | deadlineexceeded | 0#-x 100#1x 100#2x
        five at most                | hedge 10 100 within 900 | hang hang hang hang hang | deadlineexceeded | 0#-x 100#1x 100#2x 100#3x 100#4x
        five at most, at once       | hedge 10 0 within 900   | hang hang hang hang hang | deadlineexceeded | 0#-x 0#1x 0#2x 0#3x 0#4x
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_hasten_the_next_or_end_all() {
    check(
        "
        not fatal                 | hedge 3 100 | unavailable ok | ok | 0#- 0#1
        not fatal, later          | hedge 3 100 | unavailable@30 ok | ok | 0#- 30#1
        then the delay again      | hedge 3 100 | unavailable@30 hang ok | ok | 0#- 30#1x 100#2
        of the second             | hedge 3 100 | hang unavailable@30 ok | ok | 0#-x 100#1 30#2
        two codes                 | hedge 3 100 | unavailable resourceexhausted ok | ok | 0#- 0#1 0#2
        fatal                     | hedge 3 100 | notfound | notfound | 0#-
        fatal, of the second      | hedge 3 100 | hang internal@10 | internal | 0#-x 100#1
        fatal, among all at once  | hedge 3 0   | hang internal@10 hang | internal | 0#-x 0#1 0#2x
        all fail                  | hedge 3 100 | unavailable unavailable unavailable | unavailable | 0#- 0#1 0#2
        all fail, the last counts | hedge 2 100 | unavailable resourceexhausted@5 | resourceexhausted | 0#- 0#1
        all fail but one          | hedge 3 0   | unavailable@1 unavailable@2 ok@3 | ok | 0#- 0#1 0#2
        the last goes on          | hedge 2 100 | ok@500 unavailable@10 | ok | 0#- 100#1
        never left                | hedge 2 100 | unsent ok | ok | 0#- 0#-
        refused                   | hedge 2 100 | refused ok | ok | 0#- 0#-
        refused twice             | hedge 2 100 | refused refused ok | ok | 0#- 0#- 0#1
        refused, of the second    | hedge 2 100 | hang refused@10 ok | ok | 0#-x 100#1 10#1
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_says_when() {
    check(
        "
        later than the delay              | hedge 3 100            | unavailable!300 ok | ok | 0#- 300#1
        sooner than the delay             | hedge 3 100            | unavailable!20 ok | ok | 0#- 20#1
        then the delay again              | hedge 3 100            | unavailable!300 hang ok | ok | 0#- 300#1x 100#2
        at once                           | hedge 3 100            | unavailable!0 ok | ok | 0#- 0#1
        never                             | hedge 3 100            | unavailable!-1 | unavailable!-1 | 0#-
        no number                         | hedge 3 100            | unavailable!later | unavailable!later | 0#-
        never, but one is under way       | hedge 3 100            | ok@300 unavailable!-1 | ok | 0#- 100#1
        never, and all fail               | hedge 3 100            | unavailable@300 unavailable!-1 | unavailable | 0#- 100#1
        after the deadline                | hedge 3 100 within 200 | unavailable!300 | unavailable!300 | 0#-
        after the deadline, one under way | hedge 3 100 within 300 | ok@250 unavailable!500 | ok | 0#- 100#1
        of a fatal code                   | hedge 3 100            | internal!10 | internal!10 | 0#-
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn attempts_under_way_know_of_each_other() {
    let run = run(hedge(4, 100), "hang hang hang ok", &budget(), None).await;
    let tried: Vec<_> = run.seen.into_iter().map(|seen| seen.tried).collect();
    assert_eq!(tried, [vec![], vec![1], vec![1, 2], vec![1, 2, 3]]);
}

#[tokio::test(start_paused = true)]
async fn the_throttle_holds_hedges_back() {
    let throttle = Throttle::new(4, 0.5);
    let budget = within(throttle, Limits::default());
    for _ in 0..2 {
        budget.failure();
    }
    // The first is always sent.
    let alone = run(hedge(3, 100), "ok@500", &budget, None).await;
    assert_eq!((alone.end().as_str(), alone.seen.len()), ("ok", 1));
    // Now there are 2.5 of 4 tokens; a failure leaves 1.5.
    let run = run(hedge(3, 100), "unavailable", &budget, None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("unavailable!-1", 1));
    assert_eq!(run.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_held_back_does_not_end_what_is_under_way() {
    let budget = budget();
    while budget.failure() {}
    let run = run(hedge(3, 100), "ok@350", &budget, None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 1));
    assert_eq!(run.took.as_millis(), 350);
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_is_not_hedged() {
    fastrand::seed(6);
    check(
        "
        idempotent | idempotent hedge 3 0 | unavailable@9 ok | ok | 0#- ~59#1
        not said   | unsaid hedge 3 0     | unavailable | unavailable | 0#-
        ",
    )
    .await;
}

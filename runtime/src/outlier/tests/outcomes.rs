//! What a status says of an address.

use super::*;
use crate::status::{Code, Status};

#[test]
fn every_code_has_its_say() {
    use Outcome::{Answered, Doubtful, Failed, Silent};
    let expected = [
        (Code::Ok, Answered),
        (Code::Cancelled, Silent),
        (Code::Unknown, Doubtful),
        (Code::InvalidArgument, Answered),
        (Code::DeadlineExceeded, Failed),
        (Code::NotFound, Answered),
        (Code::AlreadyExists, Answered),
        (Code::PermissionDenied, Answered),
        (Code::ResourceExhausted, Answered),
        (Code::FailedPrecondition, Answered),
        (Code::Aborted, Answered),
        (Code::OutOfRange, Answered),
        (Code::Unimplemented, Answered),
        (Code::Internal, Doubtful),
        (Code::Unavailable, Failed),
        (Code::DataLoss, Doubtful),
        (Code::Unauthenticated, Answered),
    ];
    for (number, (code, outcome)) in (0..).zip(expected) {
        assert_eq!(code as i32, number, "every code, in order");
        assert_eq!(Outcome::of(&Status::new(code, "")), outcome, "{code:?}");
    }
}

#[test]
fn a_refusal_is_not_a_failure() {
    let refusal = |code| {
        let mut status = Status::new(code, "too many calls");
        let after = "100".parse().expect("a number is metadata");
        status
            .metadata_mut()
            .insert("grpc-retry-pushback-ms", after);
        Outcome::of(&status)
    };
    assert_eq!(refusal(Code::Unavailable), Outcome::Busy);
    assert_eq!(refusal(Code::NotFound), Outcome::Answered);
    assert_eq!(refusal(Code::Internal), Outcome::Doubtful);
}

#[test]
fn what_callers_do_wrong_ejects_nobody() {
    for code in [
        Code::InvalidArgument,
        Code::NotFound,
        Code::PermissionDenied,
        Code::Cancelled,
    ] {
        let mut cluster = Cluster::new(OutlierDetection::new(), 5);
        (2..=5).for_each(|id| cluster.calls(id, 100, 0));
        cluster.record(1, Outcome::of_code(code), 1_000);
        assert_eq!(cluster.interval(), [], "{code:?}");
    }
}

#[test]
fn a_method_that_fails_everywhere_ejects_nobody() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 5);
    let mut chance = fastrand::Rng::with_seed(3);
    for _ in 0..100 {
        for id in 1..=5 {
            for _ in 0..200 {
                let code = if chance.bool() {
                    Code::Ok
                } else {
                    Code::Internal
                };
                cluster.record(id, Outcome::of_code(code), 1);
            }
        }
        assert_eq!(cluster.interval(), []);
    }
}

#[test]
fn an_address_at_which_it_alone_fails_is_ejected() {
    for code in [
        Code::Internal,
        Code::Unknown,
        Code::DataLoss,
        Code::Unavailable,
    ] {
        let mut cluster = Cluster::new(OutlierDetection::new(), 5);
        (2..=5).for_each(|id| cluster.calls(id, 100, 0));
        (0..50).for_each(|_| {
            cluster.record(1, Outcome::Answered, 1);
            cluster.record(1, Outcome::of_code(code), 1);
        });
        assert_eq!(cluster.interval(), [Change::Ejected(1)], "{code:?}");
    }
}

#[test]
fn the_only_one_that_refuses_is_an_outlier() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 5);
    (2..=5).for_each(|id| cluster.calls(id, 100, 0));
    cluster.record(1, Outcome::Busy, 100);
    assert_eq!(cluster.sweep(), []);
    assert_eq!(cluster.interval(), [Change::Ejected(1)]);
}

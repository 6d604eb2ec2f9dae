use mainstay_fault::{Fault, Reason};
use std::error::Error as _;

#[derive(Debug, thiserror::Error)]
#[error("the disk at /var/secret is full")]
struct Cause;

#[test]
fn a_source_is_kept_and_not_shown() {
    let fault = Fault::internal(Cause);
    assert!(fault.source().is_some_and(|source| source.is::<Cause>()));
    assert!(!fault.to_string().contains("/var/secret"));
    assert!(!String::from_utf8(fault.to_json()).unwrap().contains("/var/secret"));
    let status = tonic::Status::from(fault);
    assert!(!status.message().contains("/var/secret"));
    assert!(!String::from_utf8_lossy(status.details()).contains("/var/secret"));
}

#[test]
fn a_source_is_logged_once() {
    let mut fault = Fault::internal(Cause);
    fault.log();
    assert!(fault.source().is_none());
}

#[test]
fn an_unknown_commit_is_not_to_be_tried_again() {
    assert!(Fault::new(Reason::Unavailable).is_transient());
    assert!(Fault::new(Reason::Overloaded).is_transient());
    assert!(!Fault::new(Reason::CommitUnknown).is_transient());
    assert!(!Fault::new(Reason::Internal).is_transient());
}

#[test]
fn a_result_of_a_fault_is_one_pointer_wide() {
    assert_eq!(size_of::<Result<(), Fault>>(), size_of::<usize>());
}

use mainstay_fault::{Fault, Reason, http_status_of};
use std::collections::HashSet;
use tonic::Code;

/// The whole public table. A line that changes here changes what clients match on.
#[test]
fn the_table_of_reasons_is_stable() {
    let table: String = Reason::ALL
        .iter()
        .map(|reason| {
            let status = Fault::new(*reason).http_status().as_u16();
            format!(
                "{:<24} {:<20} {status}  {}\n",
                reason.name(),
                format!("{:?}", reason.code()),
                reason.usual_message()
            )
        })
        .collect();
    insta::assert_snapshot!(table);
}

#[test]
fn every_name_is_upper_snake_and_used_once() {
    let mut seen = HashSet::new();
    for reason in Reason::ALL {
        let name = reason.name();
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        assert!(seen.insert(name), "{name} is there twice");
        assert_eq!(Reason::from_name(name), Some(*reason));
    }
    assert_eq!(Reason::from_name("NO_SUCH_REASON"), None);
}

#[test]
fn no_reason_is_ok_and_every_failure_has_a_failing_http_status() {
    for reason in Reason::ALL {
        assert_ne!(reason.code(), Code::Ok, "{reason}");
        assert!(Fault::new(*reason).http_status().as_u16() >= 400, "{reason}");
    }
}

#[test]
fn codes_map_to_http_as_google_rpc_says() {
    let expected = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
    for (number, status) in (0..).zip(expected) {
        assert_eq!(http_status_of(Code::from(number)).as_u16(), status, "code {number}");
    }
}

//! What was found wrong with a request by whoever read it first, on its way to whoever decides whether its caller may make it
//! at all: only who may is told (AIP-211).

use data_encoding::BASE64_NOPAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_fault::{Fault, Reason};
use tonic::{Code, Status};

/// The header under which defects travel: an encoded `google.rpc.Status`, as gRPC's own details do. Whoever sends it says only
/// that their own request is not to be done.
pub const DEFECTS: HeaderName = HeaderName::from_static("call-defects-bin");

/// Whether a fault is about what the request says, so that it waits for the decision about who may say it. A request that is
/// too large, too slow or broken off was never read.
pub fn is_defect(fault: &Fault) -> bool {
    fault.code() == Code::InvalidArgument
}

/// Puts what is wrong with a call into its headers.
pub fn put_defects(fault: Fault, headers: &mut HeaderMap) {
    let text = BASE64_NOPAD.encode(Status::from(fault).details());
    // Base64 is always a header's value.
    headers.insert(DEFECTS, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")));
}

/// Finds what is wrong with a call in its headers. What cannot be read is a defect as well: something is wrong.
pub fn defects(headers: &HeaderMap) -> Option<Fault> {
    let encoded = headers.get(DEFECTS)?;
    let details = BASE64_NOPAD.decode(encoded.as_bytes().trim_ascii_end()).unwrap_or_default();
    let fault = Fault::of_details(details.into());
    Some(fault.filter(is_defect).unwrap_or_else(|| Fault::new(Reason::MalformedRequest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn travelled(fault: Fault) -> Fault {
        let mut headers = HeaderMap::new();
        put_defects(fault, &mut headers);
        defects(&headers).unwrap()
    }

    #[test]
    fn a_defect_comes_out_as_it_went_in() {
        let fault = travelled(
            Fault::new(Reason::UnknownField)
                .message("the body names `a\u{e9}`\n")
                .meta("column", "3")
                .violation("book.colour", "is no field")
                .violation("book.x", "is no field either"),
        );
        assert_eq!(fault.reason(), Some(Reason::UnknownField));
        assert_eq!((fault.text(), fault.metadata("column")), ("the body names `a\u{e9}`\n", Some("3")));
        let fields: Vec<&str> = fault.violations().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["book.colour", "book.x"]);
    }

    #[test]
    fn what_is_no_defect_is_one_all_the_same() {
        for text in ["", "?", "AAAA", "CAA", "////"] {
            let headers = HeaderMap::from_iter([(DEFECTS, HeaderValue::from_static(text))]);
            assert_eq!(defects(&headers).unwrap().reason(), Some(Reason::MalformedRequest), "{text}");
        }
        for reason in [Reason::Internal, Reason::PermissionDenied, Reason::Unavailable] {
            assert_eq!(travelled(Fault::new(reason)).reason(), Some(Reason::MalformedRequest), "{reason:?}");
        }
        assert!(defects(&HeaderMap::new()).is_none());
    }
}

//! Conditional requests (RFC 9110, section 13): an ETag is a resource's `etag`, in quotes (AIP-154).

use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{Method as HttpMethod, StatusCode};
use mainstay_fault::{Fault, Reason};
use mainstay_layers::has_any;

use crate::snapshot::{Binding, Body};
use crate::transcode::Precondition;

static CONDITIONS: [HeaderName; 2] = [IF_MATCH, IF_NONE_MATCH];

/// What a request makes its outcome depend on.
#[derive(Debug, Default)]
pub struct Conditions {
    matches: Option<Tags>,
    matches_none: Option<Tags>,
}

/// The ETags of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: whichever it has, if it exists.
    Any,
    These(Vec<Tag>),
}

/// One ETag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    /// What stands between the quotes.
    etag: String,
    /// `W/` in front tells forms of one state apart, not states: the answer was compressed.
    weak: bool,
}

impl Conditions {
    /// Reads the conditions of a request.
    pub fn of(headers: &HeaderMap) -> Result<Conditions, Fault> {
        if !has_any(headers, &CONDITIONS) {
            return Ok(Conditions::default());
        }
        Ok(Conditions { matches: tags(headers, &IF_MATCH)?, matches_none: tags(headers, &IF_NONE_MATCH)? })
    }

    /// Reads the conditions of a call that HTTP takes for one that may change something, whatever its method does: none can be
    /// kept there, and nobody may believe that one was.
    pub fn none(headers: &HeaderMap) -> Result<Conditions, Fault> {
        match [&IF_MATCH, &IF_NONE_MATCH].into_iter().find(|name| headers.contains_key(*name)) {
            Some(name) => {
                Err(refused(name, "is kept by GET alone here: give the etag in the message, or leave it out"))
            }
            None => Ok(Conditions::default()),
        }
    }

    /// What a write is told of them: the etag that the record must have, and whether it must be there. A read is told
    /// nothing, its answer is looked at.
    ///
    /// Fails where the method cannot keep the condition: nobody may believe that it was kept.
    pub fn for_write(&self, binding: &Binding) -> Result<Precondition<'_>, Fault> {
        if self.is_empty() || is_read(binding) {
            return Ok(Precondition::default());
        }
        let makes = binding.http_method == Some(HttpMethod::POST) && matches!(binding.body, Body::Message { .. });
        match &self.matches_none {
            // What makes a resource, which is its body, never changes one.
            Some(Tags::Any) if makes => {}
            Some(_) => {
                return Err(refused(
                    &IF_NONE_MATCH,
                    "is kept by GET, and by what makes a resource as `*`; leave it out",
                ));
            }
            None => {}
        }
        match (&self.matches, &binding.etag) {
            (None, _) => Ok(Precondition::default()),
            (Some(_), None) => {
                Err(refused(&IF_MATCH, "cannot be kept: this method's request has no etag; leave it out"))
            }
            (Some(Tags::Any), Some(_)) => Ok(Precondition { etag: None, exists: true }),
            (Some(Tags::These(tags)), Some(_)) => match tags.as_slice() {
                [Tag { etag, .. }] if etag.is_empty() => {
                    Err(refused(&IF_MATCH, "names the empty ETag, which no record has"))
                }
                // A record that is missing has another one, whatever the request says of missing ones: that is told by who looks.
                [Tag { etag, .. }] => Ok(Precondition { etag: Some(etag), exists: false }),
                _ => Err(refused(
                    &IF_MATCH,
                    "names several ETags, and a record has one: give the one that you have read",
                )),
            },
        }
    }

    /// What becomes of a read whose answer has this etag.
    pub fn of_read(&self, etag: Option<&str>) -> Verdict {
        let held = |tags: &Tags| match tags {
            Tags::Any => Some(false),
            Tags::These(tags) => {
                let held = tags.iter().filter(|tag| Some(tag.etag.as_str()) == etag);
                held.map(|tag| tag.weak).reduce(|one, other| one && other)
            }
        };
        if self.matches.as_ref().is_some_and(|tags| held(tags).is_none()) {
            return Verdict::Failed;
        }
        match self.matches_none.as_ref().and_then(held) {
            Some(weak) => Verdict::Unchanged { weak },
            None => Verdict::Kept,
        }
    }

    /// What a fault is called in HTTP: a mismatch of what `If-Match` named has a word of its own.
    pub fn told(&self, fault: Fault) -> Fault {
        match fault.reason() {
            Some(Reason::EtagMismatch) if self.matches.is_some() => fault.http(StatusCode::PRECONDITION_FAILED),
            _ => fault,
        }
    }

    fn is_empty(&self) -> bool {
        self.matches.is_none() && self.matches_none.is_none()
    }
}

/// What becomes of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Kept,
    /// 304: the caller has it already, under a tag of this strength.
    Unchanged {
        weak: bool,
    },
    /// 412.
    Failed,
}

/// Whether a request of this binding changes nothing.
pub fn is_read(binding: &Binding) -> bool {
    binding.http_method == Some(HttpMethod::GET)
}

/// Reads a list of ETags; all lines of the header are one.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Fault> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let malformed =
        || refused(name, "must be `*`, or ETags in double quotes, separated by commas: `\"0123456789abcdef\"`");
    let mut found = Vec::new();
    let only = headers.get_all(name).iter().count() == 1;
    for line in headers.get_all(name) {
        let mut rest = line.to_str().map_err(|_| malformed())?.trim();
        if only && rest == "*" {
            return Ok(Some(Tags::Any));
        }
        while !rest.is_empty() {
            let (weak, strong) = rest.strip_prefix("W/").map_or((false, rest), |strong| (true, strong));
            let quoted = strong.strip_prefix('"').ok_or_else(malformed)?;
            let (etag, after) = quoted.split_once('"').ok_or_else(malformed)?;
            found.push(Tag { etag: etag.to_owned(), weak });
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(malformed()),
            };
        }
    }
    if found.is_empty() { Err(malformed()) } else { Ok(Some(Tags::These(found))) }
}

fn refused(name: &HeaderName, why: &'static str) -> Fault {
    Fault::new(Reason::InvalidArgument).message(format!("the header `{name}` {why}")).violation(name.as_str(), why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(lines: &[&'static str]) -> Result<Option<Tags>, Reason> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_static(line));
        }
        tags(&headers, &IF_MATCH).map_err(|fault| fault.reason().unwrap())
    }

    #[test]
    fn tags_are_told_apart_by_what_is_between_the_quotes() {
        let tag = |(etag, weak): &(&str, bool)| Tag { etag: (*etag).to_owned(), weak: *weak };
        let these = |tags: &[(&str, bool)]| Ok(Some(Tags::These(tags.iter().map(tag).collect())));
        assert_eq!(read(&["\"a\""]), these(&[("a", false)]));
        assert_eq!(read(&["W/\"a\" , \"b,c\",\"\""]), these(&[("a", true), ("b,c", false), ("", false)]));
        assert_eq!(read(&[" * "]), Ok(Some(Tags::Any)));
        assert_eq!(read(&["\"a\"", "\"b\""]), these(&[("a", false), ("b", false)]), "two lines are one list");
        assert_eq!(read(&[]), Ok(None));
        for lines in [["\"a\"", "*"], ["*", "\"a\""], ["*", "*"]] {
            assert_eq!(read(&lines), Err(Reason::InvalidArgument), "{lines:?}");
        }
        for line in ["a", "\"a", "a\"", "\"a\" \"b\"", "w/\"a\"", "", ",", "\"a\", *", "'a'"] {
            assert_eq!(read(&[line]), Err(Reason::InvalidArgument), "{line:?}");
        }
    }
}

//! What is written above and beside the elements of a file, which clients read by reflection.
//!
//! A parser tells the place of every word. Descriptors go without the others: in memory they take more than all else that a
//! file says, and nobody who reads a descriptor has the text that they are places in.

use prost_reflect::prost::encoding;
use prost_types::SourceCodeInfo;
use prost_types::source_code_info::Location;

/// The number of `source_code_info` in `FileDescriptorProto`.
const SOURCE_CODE_INFO: u32 = 9;
/// The number of `syntax`, the one field that is written behind it.
const SYNTAX: u32 = 12;

/// The places that have comments.
#[derive(Debug, Default)]
pub(crate) struct Comments(SourceCodeInfo);

impl Comments {
    /// Keeps the places that have one.
    pub(crate) fn of(places: &SourceCodeInfo) -> Comments {
        let says = |place: &&Location| {
            place.leading_comments.is_some()
                || place.trailing_comments.is_some()
                || !place.leading_detached_comments.is_empty()
        };
        Comments(SourceCodeInfo { location: places.location.iter().filter(says).cloned().collect() })
    }

    /// The comments that stand before the element at a descriptor path.
    pub(crate) fn above(&self, path: &[i32]) -> String {
        let place = self.0.location.iter().find(|place| place.path == path);
        place.map(|place| place.leading_comments().trim().to_owned()).unwrap_or_default()
    }

    /// The comments that stand before an element, or else behind it.
    pub(crate) fn beside(&self, path: &[i32]) -> String {
        let place = self.0.location.iter().find(|place| place.path == path);
        let told = place.map(|place| (place.leading_comments().trim(), place.trailing_comments().trim()));
        told.map(|(above, behind)| if above.is_empty() { behind } else { above }).unwrap_or_default().to_owned()
    }

    /// Puts the comments into an encoded `FileDescriptorProto` that has none, where they belong in the order of the fields.
    pub(crate) fn put_into(&self, file: &mut Vec<u8>) {
        if self.0.location.is_empty() {
            return;
        }
        let at = syntax(file).unwrap_or(file.len());
        let mut field = Vec::new();
        encoding::message::encode(SOURCE_CODE_INFO, &self.0, &mut field);
        file.splice(at..at, field);
    }
}

/// Where the syntax begins.
fn syntax(file: &[u8]) -> Option<usize> {
    let mut fields = mainstay_wire::frame::Fields::of(file);
    let mut at = 0;
    while let Ok(Some((number, _))) = fields.next() {
        if number == SYNTAX {
            return Some(at);
        }
        at = fields.position();
    }
    None
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost::Message as _;
    use prost_types::FileDescriptorProto;

    use super::*;

    #[test]
    fn comments_come_back_where_they_were() {
        let said = Location { path: vec![4, 0], leading_comments: Some(" A thing.".to_owned()), ..Location::default() };
        let places = SourceCodeInfo { location: vec![Location::default(), said.clone()] };
        for syntax in [None, Some("proto3".to_owned())] {
            let bare =
                FileDescriptorProto { name: Some("a.proto".to_owned()), syntax, ..FileDescriptorProto::default() };
            let mut whole = bare.encode_to_vec();
            Comments::default().put_into(&mut whole);
            assert_eq!(whole, bare.encode_to_vec());
            Comments::of(&places).put_into(&mut whole);
            let kept = SourceCodeInfo { location: vec![said.clone()] };
            let wanted = FileDescriptorProto { source_code_info: Some(kept), ..bare };
            assert_eq!(whole, wanted.encode_to_vec(), "the very bytes");
        }
        assert_eq!(Comments::of(&places).above(&[4, 0]), "A thing.");
        assert_eq!(Comments::of(&places).above(&[4, 1]), "");
    }
}

//! A request path cut into segments without copying.

use std::ops::Range;

use mainstay_contract::http::MAX_TEMPLATE_SEGMENTS;

/// How many segment starts are kept: one more than a template can name, so that "the rest" has a start.
const KEPT: usize = MAX_TEMPLATE_SEGMENTS + 1;

/// Where the segments of a path begin. Paths above 65,535 bytes are refused (`http::Uri` holds no longer ones).
#[derive(Debug, Clone, Copy)]
pub struct Segments {
    starts: [u16; KEPT],
    /// How many segments there are in all, which can be more than are kept.
    count: usize,
    /// Where the last one ends; a verb is not part of it.
    end: u16,
}

impl Segments {
    /// Cuts `/a/b/c`. Nothing where the path does not start with a slash or has an empty segment (a double or
    /// trailing slash): such a path is nobody's alternative spelling, it matches no template.
    pub fn of(path: &str) -> Option<Segments> {
        let end = u16::try_from(path.len()).ok()?;
        let bytes = path.as_bytes();
        if bytes.len() < 2 || bytes[0] != b'/' || bytes[bytes.len() - 1] == b'/' {
            return None;
        }
        let mut segments = Segments { starts: [0; KEPT], count: 0, end };
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'/' {
                if bytes.get(at + 1) == Some(&b'/') {
                    return None;
                }
                if let Some(start) = segments.starts.get_mut(segments.count) {
                    *start = u16::try_from(at + 1).ok()?;
                }
                segments.count += 1;
            }
        }
        Some(segments)
    }

    /// How many segments the path has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bytes of the path that segment `index` takes.
    pub fn range(&self, index: usize) -> Range<usize> {
        self.span(index..index + 1)
    }

    /// The bytes of the path that these segments take, slashes between them included; an end behind the last segment
    /// is the end of the path.
    pub fn span(&self, segments: Range<usize>) -> Range<usize> {
        let of = |index: usize| self.starts.get(index).filter(|_| index < self.count);
        let start = of(segments.start).map_or(self.end, |start| *start);
        let end = of(segments.end).map_or(self.end, |next| next - 1);
        usize::from(start)..usize::from(end.max(start))
    }

    /// The same segments, the last one cut off before its last colon, and the verb after it. Nothing where the last
    /// segment has no colon, or nothing before or after it.
    pub fn split_verb<'p>(&self, path: &'p str) -> Option<(Segments, &'p str)> {
        // Segments beyond those that are kept are in no template: where the last one of them begins has to be looked for.
        let kept = self.count.checked_sub(1).and_then(|last| self.starts.get(last)).map(|start| usize::from(*start));
        let last = kept.unwrap_or_else(|| path.rfind('/').map_or(0, |slash| slash + 1));
        let colon = last + path.as_bytes().get(last..usize::from(self.end))?.iter().rposition(|byte| *byte == b':')?;
        let verb = path.get(colon + 1..usize::from(self.end))?;
        if colon == last || verb.is_empty() {
            return None;
        }
        Some((Segments { end: u16::try_from(colon).ok()?, ..*self }, verb))
    }
}

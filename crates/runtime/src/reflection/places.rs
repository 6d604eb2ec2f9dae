//! The places of comments in a file of which parts were taken out: they go by position.

use bytes::Bytes;
use prost::{DecodeError, Message as _};
use prost_reflect::prost_types::SourceCodeInfo;

/// Numbers of `FileDescriptorProto` and `ServiceDescriptorProto`.
pub const DEPENDENCY: i32 = 3;
pub const MESSAGE: i32 = 4;
pub const ENUM: i32 = 5;
pub const SERVICE: i32 = 6;
pub const EXTENSION: i32 = 7;
pub const METHOD: i32 = 2;

/// Lists that parts were taken out of, each by its path, with what of it is left.
#[derive(Debug, Default)]
pub struct Lists(Vec<(Vec<i32>, Vec<bool>)>);

impl Lists {
    /// Enters a list. Paths have the positions of before.
    pub fn add(&mut self, path: Vec<i32>, left: Vec<bool>) {
        self.0.push((path, left));
    }

    /// Whether nothing was taken out.
    pub fn are_whole(&self) -> bool {
        self.0.iter().all(|(_, left)| left.iter().all(|left| *left))
    }

    /// The places of what is left.
    pub fn moved(&self, encoded: Bytes) -> Result<Bytes, DecodeError> {
        let mut info = SourceCodeInfo::decode(encoded)?;
        info.location.retain_mut(|location| match self.path(&location.path) {
            Some(path) => {
                location.path = path;
                true
            }
            None => false,
        });
        Ok(info.encode_to_vec().into())
    }

    /// Where something is now; nothing where it is gone.
    fn path(&self, path: &[i32]) -> Option<Vec<i32>> {
        let mut moved = path.to_vec();
        for (list, left) in &self.0 {
            let Some((position, _)) = path.strip_prefix(list.as_slice()).and_then(|rest| rest.split_first()) else {
                continue;
            };
            let position = usize::try_from(*position).ok()?;
            if left.get(position) != Some(&true) {
                return None;
            }
            moved[list.len()] = i32::try_from(left[..position].iter().filter(|left| **left).count()).ok()?;
        }
        Some(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_moves_up() {
        let mut lists = Lists::default();
        lists.add(vec![SERVICE], vec![false, true]);
        lists.add(vec![SERVICE, 1, METHOD], vec![false, true, true]);
        for (before, after) in [
            (vec![MESSAGE, 3], Some(vec![MESSAGE, 3])),
            (vec![SERVICE, 0], None),
            (vec![SERVICE, 0, METHOD, 1], None),
            (vec![SERVICE, 1], Some(vec![SERVICE, 0])),
            (vec![SERVICE, 1, METHOD, 0], None),
            (vec![SERVICE, 1, METHOD, 2, 1], Some(vec![SERVICE, 0, METHOD, 1, 1])),
            (vec![SERVICE], Some(vec![SERVICE])),
            (vec![], Some(vec![])),
        ] {
            assert_eq!(lists.path(&before), after, "{before:?}");
        }
        assert!(!lists.are_whole());
    }
}

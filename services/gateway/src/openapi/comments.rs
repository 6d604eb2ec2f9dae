//! What a contract says of its elements in comments.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// The longest summary: a line of a list.
const LONGEST_SUMMARY: usize = 120;

/// The comments of all files.
#[derive(Debug, Default)]
pub struct Comments(HashMap<(String, Vec<i32>), String>);

/// What stands somewhere in a file.
pub trait Placed {
    fn place(&self) -> (FileDescriptor, &[i32]);
}

macro_rules! placed {
    ($($descriptor:ty),*) => {$(
        impl Placed for $descriptor {
            fn place(&self) -> (FileDescriptor, &[i32]) {
                (self.parent_file(), self.path())
            }
        }
    )*};
}

placed!(MessageDescriptor, FieldDescriptor, EnumDescriptor, EnumValueDescriptor, ServiceDescriptor, MethodDescriptor);

impl Comments {
    pub fn of(pool: &DescriptorPool) -> Comments {
        let mut found = HashMap::new();
        for file in pool.files() {
            let places = file.file_descriptor_proto().source_code_info.as_ref();
            for place in places.into_iter().flat_map(|places| &places.location) {
                let above = place.leading_comments().trim();
                let text = if above.is_empty() { place.trailing_comments().trim() } else { above };
                if !text.is_empty() {
                    found.entry((file.name().to_owned(), place.path.clone())).or_insert_with(|| unindented(text));
                }
            }
        }
        Comments(found)
    }

    /// What is said of an element, as Markdown; empty where nothing is.
    pub fn about(&self, element: &impl Placed) -> &str {
        let (file, path) = element.place();
        self.0.get(&(file.name().to_owned(), path.to_vec())).map_or("", String::as_str)
    }
}

/// A comment without the space that stands behind each `//`.
fn unindented(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first sentence of a comment, on one line and without its full stop.
pub fn summary(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let end = paragraph.find(". ").unwrap_or(paragraph.len());
    let sentence = paragraph[..end].trim_end_matches(['.', ':']);
    match sentence.char_indices().nth(LONGEST_SUMMARY) {
        None => sentence.to_owned(),
        Some((cut, _)) => {
            let cut = sentence[..cut].rfind(' ').unwrap_or(cut);
            format!("{}…", &sentence[..cut])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(summary("Gets a product. It has to be there.\n\nMore."), "Gets a product");
        assert_eq!(summary("Gets a\nproduct.\n\nMore."), "Gets a product");
        assert_eq!(summary(""), "");
        assert_eq!(summary(&"word ".repeat(40)).chars().count(), 120);
    }
}

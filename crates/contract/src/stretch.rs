//! Where in the written text of a contract an element stands: places are not kept, so the file is read again.

use std::ops::Range;

use protox::file::File;

use crate::Model;
use crate::file::WrittenFile;

impl Model {
    /// The text of a written file, which is told by the path by which others import it, and the stretch of it that the
    /// element at a descriptor path takes.
    pub fn stretch(&self, import_path: &str, path: &[i32]) -> Option<(&str, Range<usize>)> {
        let source = self.sources.get(self.import_paths.iter().position(|known| known == import_path)?)?;
        let parsed = File::from_source(import_path, &source.text).ok()?.file_descriptor_proto().clone();
        let range = WrittenFile::new(source.clone(), import_path.to_owned(), Some(parsed)).span(path)?;
        source.text.get(range.clone()).is_some().then_some((source.text.as_str(), range))
    }
}

//! The texts of pages, by language.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::PagesError;

/// The languages that are built in. The first one has every text.
const BUILT_IN: [(&str, &str); 2] = [("en", include_str!("texts/en.toml")), ("de", include_str!("texts/de.toml"))];

/// A language, and every text in it: those that it lacks in English.
#[derive(Debug, Clone)]
pub struct Language {
    /// Its tag (BCP 47).
    pub tag: String,
    texts: BTreeMap<String, String>,
}

impl Language {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }
}

/// All languages, by their tags in lower case.
#[derive(Debug)]
pub struct Languages {
    known: BTreeMap<String, Language>,
    usual: Language,
}

impl Languages {
    /// Reads the built-in texts, and those of a folder (`fr.toml`) in their place or beside them.
    pub fn load(folder: Option<&Path>, usual: &str) -> Result<Languages, PagesError> {
        let mut known: BTreeMap<String, Language> = BTreeMap::new();
        for (tag, text) in BUILT_IN {
            add(&mut known, tag, text, Path::new(tag))?;
        }
        for path in folder.map(files).transpose()?.unwrap_or_default() {
            let text = fs::read_to_string(&path).map_err(|source| PagesError::File { path: path.clone(), source })?;
            let tag = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            add(&mut known, &tag, &text, &path)?;
        }
        let first = known.get(&usual.to_ascii_lowercase()).cloned();
        let usual = first.ok_or_else(|| PagesError::NoSuchLanguage(usual.to_owned()))?;
        Ok(Languages { known, usual })
    }

    /// Finds the language that suits an `accept-language` best (RFC 9110, section 12.5.4; RFC 4647, section 3.4).
    pub fn of(&self, wanted: &str) -> &Language {
        let mut ranges: Vec<(f32, &str)> = wanted.split(',').filter_map(range).collect();
        ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        ranges.into_iter().find_map(|(_, range)| self.find(range)).unwrap_or(&self.usual)
    }

    fn find(&self, range: &str) -> Option<&Language> {
        let mut tag = range.to_ascii_lowercase();
        loop {
            if let Some(found) = self.known.get(&tag) {
                return Some(found);
            }
            tag.truncate(tag.rfind('-')?);
        }
    }
}

/// A language range, and how much it is wanted; nothing where it is not.
fn range(text: &str) -> Option<(f32, &str)> {
    let (range, weight) = text.split_once(';').unwrap_or((text, ""));
    let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok())?;
    (weight > 0.0).then_some((weight, range.trim()))
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>, PagesError> {
    let failed = |source| PagesError::File { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|of| of == "toml"));
    paths.sort();
    Ok(paths)
}

fn add(known: &mut BTreeMap<String, Language>, tag: &str, text: &str, path: &Path) -> Result<(), PagesError> {
    let own: BTreeMap<String, String> =
        toml::from_str(text).map_err(|source| PagesError::Texts { path: path.to_owned(), source: Box::new(source) })?;
    let key = tag.to_ascii_lowercase();
    let english = known.get(BUILT_IN[0].0);
    if let (Some(english), Some(unknown)) = (english, own.keys().find(|key| unknown(known, key))) {
        let near = english.texts.keys().find(|of| of.starts_with(unknown.split('_').next().unwrap_or_default()));
        return Err(PagesError::UnknownText {
            path: path.to_owned(),
            key: unknown.clone(),
            near: near.cloned().unwrap_or_default(),
        });
    }
    let base = known.get(&key).or(english).map(|language| language.texts.clone()).unwrap_or_default();
    let texts = base.into_iter().chain(own).collect();
    known.insert(key, Language { tag: tag.to_owned(), texts });
    Ok(())
}

/// Whether nothing has a text of this name.
fn unknown(known: &BTreeMap<String, Language>, key: &str) -> bool {
    known.get(BUILT_IN[0].0).is_some_and(|english| !english.texts.contains_key(key))
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, Languages};

    #[test]
    fn every_built_in_language_has_every_text() {
        let keys = |text: &str| toml::from_str::<std::collections::BTreeMap<String, String>>(text).unwrap();
        let english = keys(BUILT_IN[0].1);
        for (tag, text) in BUILT_IN {
            let own = keys(text);
            assert_eq!(own.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{tag}");
        }
    }

    #[test]
    fn a_visitor_gets_the_language_that_suits_best() {
        let languages = Languages::load(None, "en").unwrap();
        for (wanted, tag) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fr, en;q=0.5, de;q=0.7", "de"),
            ("de;q=0, en", "en"),
            ("DE-at-1996", "de"),
            ("fr", "en"),
            ("*", "en"),
            (";;q=,", "en"),
        ] {
            assert_eq!(languages.of(wanted).tag, tag, "{wanted}");
        }
    }
}

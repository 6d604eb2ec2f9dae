//! Texts and layouts: the built-in ones, and those of a folder in their place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::letter::Letter;
use super::texts::{Text, Texts};
use super::{Kind, Told};

/// The languages that are built in.
const BUILT_IN: [(&str, &str); 2] = [("en", include_str!("texts/en.toml")), ("de", include_str!("texts/de.toml"))];

/// How the parts of a mail stand together, in its two forms.
const LAYOUTS: [(&str, &str); 2] =
    [(HTML, include_str!("texts/layout.html")), (TEXT, include_str!("texts/layout.txt"))];

const HTML: &str = "layout.html";
const TEXT: &str = "layout.txt";

/// Says what is wrong with a file of mails. Names the file, and where in it.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("auth.mail.templates: {path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the texts of mails in {place} cannot be read")]
    Texts {
        place: String,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("the texts of mails in {place} are not whole: {lacks}")]
    Lacking { place: String, lacks: String },
    #[error("the mail {} in {place} cannot be written", .kind.word())]
    Unwritten {
        place: String,
        kind: Kind,
        #[source]
        source: Box<minijinja::Error>,
    },
    #[error("auth.mail.default_locale: there are no texts in `{0}`; add a file {0}.toml to auth.mail.templates")]
    NoSuchLanguage(String),
}

/// What all mails are written with.
#[derive(Debug)]
pub(super) struct Templates {
    engine: Environment<'static>,
    layouts: BTreeMap<&'static str, Source>,
    /// By the language's tag in lower case.
    languages: BTreeMap<String, Language>,
    default_locale: String,
}

#[derive(Debug)]
struct Source {
    text: String,
    place: String,
}

#[derive(Debug)]
struct Language {
    /// As the file is called.
    tag: String,
    texts: Texts,
    place: String,
}

/// A mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// What a text can name.
#[derive(Serialize)]
struct Values<'a> {
    app: &'a str,
    email: &'a str,
    code: &'a str,
    organisation: &'a str,
    minutes: u64,
    hours: u64,
    days: u64,
}

/// What a layout can name. Everything is a value here, and escaped as the layout wants it.
#[derive(Serialize)]
struct Parts<'a> {
    locale: &'a str,
    subject: &'a str,
    paragraphs: Vec<String>,
    after: Vec<String>,
    button: String,
    by_hand: String,
    footer: String,
    link: &'a str,
    code: &'a str,
}

impl Templates {
    /// Reads all texts, and tries each: what cannot be written is found at the start, not when a mail is due.
    pub(super) fn load(folder: Option<&Path>, default_locale: &str) -> Result<Templates, TemplateError> {
        let built_in = |name: &str| format!("{name} (built in)");
        let source =
            |(name, text): (&'static str, &str)| (name, Source { text: text.to_owned(), place: built_in(name) });
        let mut templates = Templates {
            engine: engine(),
            layouts: LAYOUTS.into_iter().map(source).collect(),
            languages: BTreeMap::new(),
            default_locale: default_locale.to_owned(),
        };
        for (tag, text) in BUILT_IN {
            templates.add_language(tag, text, built_in(&format!("{tag}.toml")))?;
        }
        if let Some(folder) = folder {
            templates.add_folder(folder)?;
        }
        templates.language(default_locale).ok_or_else(|| TemplateError::NoSuchLanguage(default_locale.to_owned()))?;
        templates.try_all()?;
        Ok(templates)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), TemplateError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TemplateError::File { path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            paths.push(entry.map_err(failed(folder))?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let read = || fs::read_to_string(&path).map_err(failed(&path));
            let place = path.display().to_string();
            if let Some((name, _)) = LAYOUTS.into_iter().find(|(layout, _)| *layout == name) {
                self.layouts.insert(name, Source { text: read()?, place });
            } else if let Some(tag) = name.strip_suffix(".toml") {
                self.add_language(tag, &read()?, place)?;
            }
        }
        Ok(())
    }

    fn add_language(&mut self, tag: &str, text: &str, place: String) -> Result<(), TemplateError> {
        let texts: Texts = toml::from_str(text)
            .map_err(|source| TemplateError::Texts { place: place.clone(), source: Box::new(source) })?;
        if let Some(lacks) = texts.lacks() {
            return Err(TemplateError::Lacking { place, lacks });
        }
        self.languages.insert(tag.to_ascii_lowercase(), Language { tag: tag.to_owned(), texts, place });
        Ok(())
    }

    /// Finds the texts for a language: of the very tag, of the tag without its last parts (RFC 4647 §3.4), or the usual ones.
    fn chosen(&self, locale: &str) -> Option<&Language> {
        self.language(locale).or_else(|| self.language(&self.default_locale))
    }

    fn language(&self, locale: &str) -> Option<&Language> {
        let mut range = locale.to_ascii_lowercase().replace('_', "-");
        loop {
            if let Some(language) = self.languages.get(&range) {
                return Some(language);
            }
            let (shorter, _) = range.rsplit_once('-')?;
            range = shorter.to_owned();
        }
    }

    /// Writes a mail.
    pub(super) fn write(&self, app: &str, letter: &Letter) -> Result<Written, TemplateError> {
        let Letter { kind, told, .. } = letter;
        let language = self.chosen(&letter.locale);
        let language = language.ok_or_else(|| TemplateError::NoSuchLanguage(self.default_locale.clone()))?;
        let place = language.place.clone();
        let Some(text) = language.texts.mails.get(kind) else {
            return Err(TemplateError::Lacking { place, lacks: kind.word().to_owned() });
        };
        self.written(app, language, text, told).map_err(|(place, source)| TemplateError::Unwritten {
            place,
            kind: *kind,
            source: Box::new(source),
        })
    }

    fn written(
        &self,
        app: &str,
        language: &Language,
        text: &Text,
        told: &Told,
    ) -> Result<Written, (String, minijinja::Error)> {
        let values = Values {
            app,
            email: &told.email,
            code: &told.code,
            organisation: &neutral(&told.organisation),
            minutes: told.minutes,
            hours: told.minutes / 60,
            days: told.minutes / (24 * 60),
        };
        let say = |template: &str| {
            let said = self.engine.render_str(template, &values);
            said.map(|said| one_line(&said)).map_err(|source| (language.place.clone(), source))
        };
        let all = |templates: &[String]| templates.iter().map(|one| say(one)).collect::<Result<Vec<_>, _>>();
        let subject = say(&text.subject)?;
        let parts = Parts {
            locale: &language.tag,
            subject: &subject,
            paragraphs: all(&text.paragraphs)?,
            after: all(&text.after)?,
            button: say(text.button.as_deref().unwrap_or_default())?,
            by_hand: say(&language.texts.by_hand)?,
            footer: say(&language.texts.footer)?,
            link: &told.link,
            code: &told.code,
        };
        let lay_out = |name: &str| match self.layouts.get(name) {
            None => Ok(String::new()),
            Some(layout) => {
                let laid = self.engine.render_named_str(name, &layout.text, &parts);
                laid.map_err(|source| (layout.place.clone(), source))
            }
        };
        let (text, html) = (lay_out(TEXT)?, lay_out(HTML)?);
        Ok(Written { subject, text, html })
    }

    fn try_all(&self) -> Result<(), TemplateError> {
        for language in self.languages.values() {
            for kind in Kind::ALL {
                let link = if kind.has_link() { "https://example.org/#token=x" } else { "" };
                let told = Told {
                    email: "ada@example.org".to_owned(),
                    link: link.to_owned(),
                    code: String::new(),
                    minutes: 60,
                    organisation: "Example".to_owned(),
                };
                self.write("Example", &Letter { kind, to: None, locale: language.tag.clone(), told })?;
            }
        }
        Ok(())
    }
}

/// Only what ends in `.html` is HTML; a name that no value has is an error.
fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|name| if name == HTML { AutoEscape::Html } else { AutoEscape::None });
    engine
}

/// What somebody called an organisation, as mails to strangers say it: no program makes a link of it.
fn neutral(name: &str) -> String {
    let apart = name.replace(['/', ':', '@', '<', '>'], " ");
    let words: Vec<String> =
        apart.split_whitespace().map(|word| word.trim_end_matches('.').replace('.', ". ")).collect();
    words.join(" ")
}

/// Nothing that somebody chose for a name breaks a line: not that of a header, and none of a text.
fn one_line(said: &str) -> String {
    said.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

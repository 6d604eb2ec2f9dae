//! Patterns of resource names (AIP-122).

use std::ops::Range;

use mainstay_record::{Template, TemplatePart};

/// How many variables a pattern has at most.
pub const MAX_PATTERN_VARIABLES: usize = 8;

/// What the variables of a resource's name can be, as a regular expression: lower-case letters, digits and inner hyphens, 63 of them
/// at most (AIP-122).
pub const ID_EXPRESSION: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// A pattern that fits: `publishers/{publisher}/books/{book}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub source: String,
    pub template: Template,
    pub variables: Vec<String>,
    /// `books`
    pub collection: String,
    /// `publishers/{publisher}`
    pub parent: Option<String>,
    /// There is one below each parent (AIP-156): `users/{user}/settings`.
    pub singleton: bool,
    /// `publishers/*/books/*`: what two patterns of one package must not share.
    pub shape: String,
}

/// What is wrong with a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PatternProblem {
    /// Byte offsets into the pattern.
    pub range: Range<usize>,
    pub message: String,
}

impl Pattern {
    pub(crate) fn parse(source: &str) -> Result<Pattern, PatternProblem> {
        let problem = |range: Range<usize>, message: String| PatternProblem { range, message };
        let mut pattern = Pattern {
            source: source.to_owned(),
            template: Template::default(),
            variables: Vec::new(),
            collection: String::new(),
            parent: None,
            singleton: false,
            shape: String::new(),
        };
        let mut start = 0;
        let segments: Vec<&str> = source.split('/').collect();
        for (i, segment) in segments.iter().enumerate() {
            let range = start..start + segment.len();
            start = range.end + 1;
            if i % 2 == 0 {
                if !is_collection(segment) {
                    let message =
                        format!("`{segment}` is not a collection: lower camel case, for example `bookShelves`");
                    return Err(problem(range, message));
                }
                (*segment).clone_into(&mut pattern.collection);
                continue;
            }
            let variable = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(variable) = variable.filter(|name| is_variable(name)) else {
                return Err(problem(
                    range,
                    format!("`{segment}` is not a variable: `{{product}}`, in lower snake case"),
                ));
            };
            if pattern.variables.iter().any(|earlier| earlier == variable) {
                return Err(problem(range, format!("the variable `{variable}` stands there twice")));
            }
            pattern.push(variable);
        }
        if pattern.variables.len() > MAX_PATTERN_VARIABLES {
            return Err(problem(0..source.len(), format!("more than {MAX_PATTERN_VARIABLES} variables")));
        }
        pattern.singleton = !segments.len().is_multiple_of(2);
        if pattern.singleton {
            if pattern.variables.is_empty() {
                return Err(problem(0..source.len(), "it ends with a collection, and lies below nothing".to_owned()));
            }
            pattern.template.parts.push(TemplatePart::Literal(format!("/{}", pattern.collection)));
        }
        pattern.shape = pattern.template.render(|_| "*");
        let own = if pattern.singleton { 1 } else { 2 };
        pattern.parent = (segments.len() > 2).then(|| segments[..segments.len() - own].join("/"));
        Ok(pattern)
    }

    fn push(&mut self, variable: &str) {
        let slash = if self.variables.is_empty() { "" } else { "/" };
        self.template.parts.push(TemplatePart::Literal(format!("{slash}{}/", self.collection)));
        self.template.parts.push(TemplatePart::Variable(self.variables.len()));
        self.variables.push(variable.to_owned());
    }

    /// The shape of the parent: `publishers/*`.
    pub(crate) fn parent_shape(&self) -> Option<&str> {
        let own = if self.singleton { 1 } else { 2 };
        self.shape.rsplitn(own + 1, '/').nth(own)
    }
}

fn is_collection(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_lowercase()) && segment.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

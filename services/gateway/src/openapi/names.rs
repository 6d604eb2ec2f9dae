//! What operations, tags and path parameters are called. A name that a client was generated with stays: it follows from the
//! contract, whoever looks at it.

use std::collections::{BTreeSet, HashMap};

use mainstay_contract::http::{Segment, Template, Variable};
use mainstay_contract::is_reserved_package;
use prost_reflect::{DescriptorPool, ServiceDescriptor, Value};

/// What each service is called: its own name, or its full name where another service has that already.
#[derive(Debug)]
pub struct Services(HashMap<String, String>);

impl Services {
    /// Names all services of a pool. The application's come first, so that no service of a newer platform takes a name from one;
    /// among them the first by full name.
    pub fn of(pool: &DescriptorPool) -> Services {
        let mut all: Vec<ServiceDescriptor> = pool.services().collect();
        all.sort_by_key(|service| (is_reserved_package(service.package_name()), service.full_name().to_owned()));
        let mut taken = BTreeSet::new();
        let name = |service: &ServiceDescriptor| {
            let own = service.name().to_owned();
            if taken.insert(own.clone()) { own } else { service.full_name().replace('.', "_") }
        };
        let names: Vec<String> = all.iter().map(name).collect();
        Services(all.iter().map(|service| service.full_name().to_owned()).zip(names).collect())
    }

    pub fn name(&self, service: &ServiceDescriptor) -> String {
        self.0.get(service.full_name()).cloned().unwrap_or_else(|| service.full_name().replace('.', "_"))
    }
}

/// How the variables of resource names are called, by what the names look like: `products/*` has a `product`.
#[derive(Debug, Default)]
pub struct Patterns(HashMap<String, Vec<String>>);

impl Patterns {
    /// Those of all resources of a pool.
    pub fn of(pool: &DescriptorPool) -> Patterns {
        let mut found = HashMap::new();
        let Some(extension) = pool.get_extension_by_name("google.api.resource") else { return Patterns::default() };
        for message in pool.all_messages() {
            let options = message.options();
            if !options.has_extension(&extension) {
                continue;
            }
            let resource = options.get_extension(&extension);
            let patterns = resource.as_message().and_then(|resource| resource.get_field_by_name("pattern"));
            for pattern in patterns.iter().filter_map(|patterns| patterns.as_list()).flatten().filter_map(Value::as_str)
            {
                let (mut shape, mut names) = (Vec::new(), Vec::new());
                for segment in pattern.split('/') {
                    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                        Some(name) => {
                            shape.push("*");
                            names.push(name.to_owned());
                            found.entry(shape.join("/")).or_insert_with(|| names.clone());
                        }
                        None => shape.push(segment),
                    }
                }
            }
        }
        Patterns(found)
    }
}

/// One segment of a path, or several, that a caller chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    pub name: String,
    /// The request's field that it is the value of, or a part of: its position among the template's variables. Nothing where
    /// no field takes it.
    pub variable: Option<usize>,
    /// Whether it may have slashes, or be empty.
    pub many: bool,
}

/// A template as OpenAPI has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// `/shop/v1/products/{product}:undelete`
    pub text: String,
    pub chosen: Vec<Chosen>,
}

/// Names what can be chosen in paths: the same in all paths that look alike, since OpenAPI takes those for one.
#[derive(Debug, Default)]
pub struct Paths(HashMap<String, Vec<String>>);

impl Paths {
    pub fn of(&mut self, template: &Template, patterns: &Patterns) -> Path {
        let mut names = Vec::new();
        for (position, segment) in template.segments.iter().enumerate() {
            if !matches!(segment, Segment::Literal(_)) {
                let mut name = name(template, position, patterns);
                if *segment == Segment::Rest {
                    name.push_str("_path");
                }
                let mut unique = name.clone();
                let mut count = 2;
                while names.contains(&unique) {
                    unique = format!("{name}{count}");
                    count += 1;
                }
                names.push(unique);
            }
        }
        let open = template.segments.iter().filter(|segment| !matches!(segment, Segment::Literal(_)));
        let looks = written(template, &mut open.map(|segment| if *segment == Segment::Rest { "**" } else { "*" }));
        let names = self.0.entry(looks).or_insert(names).clone();
        let quoted: Vec<String> = names.iter().map(|name| format!("{{{name}}}")).collect();
        let text = written(template, &mut quoted.iter().map(String::as_str));
        let open = template.segments.iter().enumerate().filter(|(_, segment)| !matches!(segment, Segment::Literal(_)));
        let chosen = names.into_iter().zip(open).map(|(name, (position, segment))| Chosen {
            name,
            variable: template.variables.iter().position(|variable| covers(variable, position)),
            many: *segment == Segment::Rest,
        });
        let chosen = chosen.collect();
        Path { text, chosen }
    }
}

fn covers(variable: &Variable, position: usize) -> bool {
    (variable.first..variable.first + variable.count).contains(&position)
}

/// The template with these in the places that are open.
fn written(template: &Template, names: &mut dyn Iterator<Item = &str>) -> String {
    let mut text = String::new();
    for segment in &template.segments {
        text.push('/');
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::One | Segment::Rest => text.push_str(names.next().unwrap_or("*")),
        }
    }
    if let Some(verb) = &template.verb {
        text.push(':');
        text.push_str(verb);
    }
    text
}

/// What one open segment is called: as the resource's pattern has it, else after the collection before it, else after its field.
fn name(template: &Template, position: usize, patterns: &Patterns) -> String {
    let Some(variable) = template.variables.iter().find(|variable| covers(variable, position)) else {
        return before(template, position, 0).unwrap_or_else(|| "segment".to_owned());
    };
    let within = &template.segments[variable.first..=position];
    let shape: Vec<&str> = within
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => text,
            Segment::One | Segment::Rest => "*",
        })
        .collect();
    if let Some(name) = patterns.0.get(&shape.join("/")).and_then(|names| names.last()) {
        return name.clone();
    }
    let field = variable.field.rsplit('.').next().unwrap_or("segment").to_owned();
    before(template, position, variable.first).unwrap_or(field)
}

/// The collection that stands before a segment, in the singular; nothing where no literal does, not before `first`.
fn before(template: &Template, position: usize, first: usize) -> Option<String> {
    let before = position.checked_sub(1).filter(|before| *before >= first)?;
    let Segment::Literal(text) = &template.segments[before] else { return None };
    let fit: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Some(match fit.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => fit.strip_suffix('s').unwrap_or(&fit).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_segments_are_called_after_resources() {
        let mut patterns = Patterns::default();
        patterns.0.insert("stores/*".to_owned(), vec!["store".to_owned()]);
        patterns.0.insert("stores/*/products/*".to_owned(), vec!["store".to_owned(), "item".to_owned()]);
        let mut paths = Paths::default();
        for (template, text) in [
            ("/shop/v1/{name=stores/*/products/*}", "/shop/v1/stores/{store}/products/{item}"),
            ("/shop/v1/{product.name=stores/*/products/*}", "/shop/v1/stores/{store}/products/{item}"),
            ("/shop/v1/{parent=stores/*}/products:batchGet", "/shop/v1/stores/{store}/products:batchGet"),
            ("/v1/{name=shelves/*/categories/*}:move", "/v1/shelves/{shelve}/categories/{category}:move"),
            ("/v1/{id}", "/v1/{id}"),
            ("/v1/{other}", "/v1/{id}"),
            ("/v1/{path=files/**}", "/v1/files/{file_path}"),
            ("/v1/*/x/*", "/v1/{v1}/x/{x}"),
        ] {
            let template = Template::parse(template).unwrap();
            assert_eq!(paths.of(&template, &patterns).text, text);
        }
    }
}

//! Finds the route of a path: a trie of segments.

use http::Method;
use mainstay_contract::http::{Segment, Template};

use super::path::Segments;

/// Routes by path. What a route is, is the caller's: the trie knows its number.
///
/// A literal is preferred over `*`, `*` over `**`, at the first segment where two templates differ. A verb is split off
/// the last segment first: `/v1/accounts:signUp` never asks for an account named `accounts:signUp`.
#[derive(Debug, Default)]
pub struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by text.
    literals: Vec<(Box<str>, usize)>,
    one: Option<usize>,
    /// Routes that end here.
    leaves: Vec<Leaf>,
    /// Routes that take whatever follows.
    rest: Vec<Leaf>,
}

#[derive(Debug)]
struct Leaf {
    verb: Option<Box<str>>,
    /// Nothing takes every method (`custom {kind: "*"}`).
    method: Option<Method>,
    route: usize,
}

/// What the trie says about a path.
#[derive(Debug)]
pub enum Lookup {
    Found {
        route: usize,
        segments: Segments,
    },
    /// The path is known, the method is not; these are.
    WrongMethod {
        allow: Vec<Method>,
    },
    /// What is posted to has no such verb; it has these.
    NoVerb {
        verbs: Vec<Box<str>>,
    },
    Unknown,
}

/// Two templates that match the same paths of the same method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous {
    /// The route that was there first.
    pub with: usize,
}

impl Trie {
    /// Adds a template. Fails, without a change, where a route that was added before takes exactly the same requests.
    pub fn insert(&mut self, template: &Template, method: Option<Method>, route: usize) -> Result<(), Ambiguous> {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        let mut rest = false;
        for segment in &template.segments {
            match segment {
                Segment::Literal(text) => at = self.literal(at, text),
                Segment::One => at = self.one(at),
                Segment::Rest => rest = true,
            }
        }
        let node = &mut self.nodes[at];
        let leaves = if rest { &mut node.rest } else { &mut node.leaves };
        let verb = template.verb.as_deref();
        if let Some(taken) = leaves.iter().find(|leaf| leaf.verb.as_deref() == verb && leaf.method == method) {
            return Err(Ambiguous { with: taken.route });
        }
        leaves.push(Leaf { verb: verb.map(Box::from), method, route });
        Ok(())
    }

    fn literal(&mut self, at: usize, text: &str) -> usize {
        let next = self.nodes.len();
        let literals = &mut self.nodes[at].literals;
        match literals.binary_search_by(|(known, _)| known.as_ref().cmp(text)) {
            Ok(found) => literals[found].1,
            Err(position) => {
                literals.insert(position, (text.into(), next));
                self.nodes.push(Node::default());
                next
            }
        }
    }

    fn one(&mut self, at: usize) -> usize {
        let next = self.nodes.len();
        if let Some(known) = self.nodes[at].one {
            return known;
        }
        self.nodes[at].one = Some(next);
        self.nodes.push(Node::default());
        next
    }

    /// Finds the route of a request.
    pub fn find(&self, path: &str, method: &Method) -> Lookup {
        let Some(whole) = Segments::of(path).filter(|_| !self.nodes.is_empty()) else { return Lookup::Unknown };
        let split = whole.split_verb(path);
        if let Some((segments, verb)) = split {
            let lookup = self.find_with(&Wanted { path, segments, verb: Some(verb), method });
            if !matches!(lookup, Lookup::Unknown) {
                return lookup;
            }
        }
        let lookup = self.find_with(&Wanted { path, segments: whole, verb: None, method });
        match (split, lookup) {
            // Nobody means a row whose id has a colon.
            (Some((segments, _)), Lookup::WrongMethod { allow }) if *method == Method::POST => {
                let verbs = self.verbs(&Wanted { path, segments, verb: None, method });
                if verbs.is_empty() { Lookup::WrongMethod { allow } } else { Lookup::NoVerb { verbs } }
            }
            (_, lookup) => lookup,
        }
    }

    /// The verbs that the path could end with, sorted.
    fn verbs(&self, wanted: &Wanted<'_>) -> Vec<Box<str>> {
        let mut leaves = Vec::new();
        self.leaves(0, 0, wanted, &mut leaves);
        let fits = leaves.into_iter().filter(|leaf| leaf.method.as_ref().is_none_or(|method| method == wanted.method));
        let mut verbs: Vec<Box<str>> = fits.filter_map(|leaf| leaf.verb.clone()).collect();
        verbs.sort();
        verbs.dedup();
        verbs
    }

    fn find_with(&self, wanted: &Wanted<'_>) -> Lookup {
        if let Some(route) = self.descend(0, 0, wanted) {
            return Lookup::Found { route, segments: wanted.segments };
        }
        let allow = self.allowed(wanted);
        if allow.is_empty() { Lookup::Unknown } else { Lookup::WrongMethod { allow } }
    }

    /// Looks below `at` for the segments from `index` on. Every node is reached at one depth only, so a walk visits
    /// each at most once, however the path looks.
    fn descend(&self, at: usize, index: usize, wanted: &Wanted<'_>) -> Option<usize> {
        let node = &self.nodes[at];
        if index == wanted.segments.count() {
            return wanted.pick(&node.leaves).or_else(|| wanted.pick(&node.rest));
        }
        let text = &wanted.path[wanted.segments.range(index)];
        node.child(text)
            .and_then(|child| self.descend(child, index + 1, wanted))
            .or_else(|| node.one.and_then(|child| self.descend(child, index + 1, wanted)))
            .or_else(|| wanted.pick(&node.rest))
    }

    /// The methods that the path takes.
    fn allowed(&self, wanted: &Wanted<'_>) -> Vec<Method> {
        let (mut allow, mut leaves) = (Vec::new(), Vec::new());
        self.leaves(0, 0, wanted, &mut leaves);
        for leaf in leaves.into_iter().filter(|leaf| leaf.verb.as_deref() == wanted.verb) {
            // What can be got can be asked for its head alone.
            let head = (leaf.method == Some(Method::GET)).then_some(&Method::HEAD);
            for method in leaf.method.as_ref().into_iter().chain(head) {
                if !allow.contains(method) {
                    allow.push(method.clone());
                }
            }
        }
        allow
    }

    /// All leaves whose segments fit, whatever their verbs and methods.
    fn leaves<'t>(&'t self, at: usize, index: usize, wanted: &Wanted<'_>, found: &mut Vec<&'t Leaf>) {
        let node = &self.nodes[at];
        let ends = index == wanted.segments.count();
        found.extend(node.rest.iter().chain(node.leaves.iter().filter(|_| ends)));
        if !ends {
            let text = &wanted.path[wanted.segments.range(index)];
            for child in node.child(text).into_iter().chain(node.one) {
                self.leaves(child, index + 1, wanted, found);
            }
        }
    }
}

impl Node {
    fn child(&self, text: &str) -> Option<usize> {
        let found = self.literals.binary_search_by(|(known, _)| known.as_ref().cmp(text)).ok()?;
        Some(self.literals[found].1)
    }
}

struct Wanted<'r> {
    path: &'r str,
    segments: Segments,
    verb: Option<&'r str>,
    method: &'r Method,
}

impl Wanted<'_> {
    fn pick(&self, leaves: &[Leaf]) -> Option<usize> {
        let of = |method: Option<&Method>| {
            leaves.iter().find(|leaf| leaf.verb.as_deref() == self.verb && leaf.method.as_ref() == method)
        };
        // HEAD is GET without its body (RFC 9110, section 9.3.2).
        let head = || of(Some(&Method::GET)).filter(|_| self.method == Method::HEAD);
        of(Some(self.method)).or_else(head).or_else(|| of(None)).map(|leaf| leaf.route)
    }
}

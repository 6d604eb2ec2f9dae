//! Rules that reach into JSON columns, with the keys of birth.
//!
//! A rule is compiled against today's names. Where a message inside a JSON column has a renamed field, the keys that the
//! compiled rule holds are replaced by those that are stored. A key of a map is data and never replaced.

use mainstay_expr::{Expr, Over, Root, Row};
use mainstay_record::{JsonShape, Kind, Value};

use crate::{JsonEntry, Label};

/// The keys inside one JSON column: today's names and those of birth.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    column: usize,
    label: Label,
    /// The message that is in the column.
    root: usize,
    messages: Vec<Vec<Key>>,
}

#[derive(Debug, Clone)]
struct Key {
    number: u32,
    natural: String,
    birth: String,
    label: Label,
    message: Option<usize>,
}

/// Where in a JSON column an expression points.
#[derive(Clone, Copy)]
struct Position<'k> {
    keys: &'k Keys,
    label: Label,
    message: Option<usize>,
}

impl Keys {
    /// Puts the keys of birth into a shape and tells both; nothing where no messages are inside.
    pub fn bind(column: usize, label: Label, entry: &JsonEntry, shape: &mut JsonShape) -> Option<Keys> {
        let mut keys = Keys { column, label, root: 0, messages: vec![Vec::new(); shape.messages.len()] };
        let mut seen = vec![false; shape.messages.len()];
        let mut queue = vec![(0, 0)];
        while let Some((known, index)) = queue.pop() {
            let (Some(entry), Some(message)) = (entry.messages.get(known), shape.messages.get_mut(index)) else {
                continue;
            };
            if std::mem::replace(&mut seen[index], true) {
                continue;
            }
            for field in &mut message.fields {
                let Some(known) = entry.fields.iter().find(|known| known.number == field.number) else { continue };
                let natural = std::mem::replace(&mut field.key, known.key.clone());
                let label = known.signature.label;
                keys.messages[index].push(Key {
                    number: field.number,
                    natural,
                    birth: known.key.clone(),
                    label,
                    message: field.message,
                });
                if let (Some(known), Some(inner)) = (known.message, field.message) {
                    queue.push((known, inner));
                }
            }
        }
        (!keys.messages.is_empty()).then_some(keys)
    }

    /// The same of one of its messages, or a list or a map of them, as the value of a row of its own.
    pub fn within(&self, label: Label, root: usize) -> Keys {
        Keys { column: 0, label, root, messages: self.messages.clone() }
    }

    /// How many values the column has.
    pub fn label(&self) -> Label {
        self.label
    }

    /// How many values a field of one of the messages has, and which message they are, if they are any.
    pub fn field(&self, message: usize, number: u32) -> Option<(Label, usize)> {
        let key = self.messages.get(message)?.iter().find(|key| key.number == number)?;
        Some((key.label, key.message?))
    }

    /// The column.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Says whether a key of birth is not today's name.
    pub fn differ(&self) -> bool {
        self.messages.iter().flatten().any(|key| key.natural != key.birth)
    }
}

/// The keys of a resource's own columns, and of those of all resources of the contract, by their numbers: a rule looks at
/// any of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Births<'k> {
    pub own: &'k [Keys],
    pub all: &'k [Vec<Keys>],
}

impl<'k> Births<'k> {
    /// Whether every key is today's name.
    pub fn is_empty(self) -> bool {
        self.own.is_empty() && self.all.iter().all(Vec::is_empty)
    }

    /// Replaces the keys in an expression.
    pub fn rewrite(self, expr: Expr) -> Expr {
        rewrite(self, expr, None)
    }

    /// Replaces the keys in what is said of each element of a list, which a column of a row holds.
    pub fn rewrite_of_elements(self, list: Option<(&Row, usize)>, expr: Expr) -> Expr {
        rewrite(self, expr, self.elements(list).as_ref())
    }

    /// The row that is found from an element, with the stored keys on the way.
    pub fn relinked(self, list: Option<(&Row, usize)>, row: Row) -> Row {
        relinked(self, row, self.elements(list).as_ref())
    }

    /// The keys on the way to a field inside an element, as they are stored.
    pub fn rekeyed(self, list: Option<(&Row, usize)>, keys: &mut [String]) {
        rekeyed(self, 0, keys, self.elements(list).as_ref());
    }

    fn elements(self, list: Option<(&Row, usize)>) -> Option<Within<'k, 'k>> {
        let (row, index) = list?;
        let list = position(self, &Expr::Column { row: row.clone(), index, kind: Kind::Json }, None);
        let element = list.map(|list| Position { label: Label::Optional, ..list });
        Some(Within { level: 0, bound: Bound { element, table: None }, outer: None })
    }

    fn of(self, row: &Row, within: Option<&Within<'k, '_>>) -> &'k [Keys] {
        let bound = match row.root {
            Root::Bound(level) => within.and_then(|within| within.at(level)).and_then(|bound| bound.table),
            _ => None,
        };
        match row.table().or(bound) {
            None => self.own,
            Some(table) => self.all.get(table).map_or(&[], Vec::as_slice),
        }
    }
}

/// What the quantifiers around go over.
struct Within<'k, 'o> {
    level: u8,
    bound: Bound<'k>,
    outer: Option<&'o Within<'k, 'o>>,
}

#[derive(Clone, Copy)]
struct Bound<'k> {
    /// Of the element of a list.
    element: Option<Position<'k>>,
    table: Option<usize>,
}

impl<'k> Within<'k, '_> {
    fn at(&self, level: u8) -> Option<Bound<'k>> {
        if self.level == level { Some(self.bound) } else { self.outer?.at(level) }
    }
}

fn rewrite<'k>(columns: Births<'k>, expr: Expr, within: Option<&Within<'k, '_>>) -> Expr {
    match expr {
        Expr::Exists { level, over, holds } => {
            let element = match &over {
                Over::List(of) => position(columns, of, within).map(|list| Position { label: Label::Optional, ..list }),
                _ => None,
            };
            let inner = Within { level, bound: Bound { element, table: over.table() }, outer: within };
            let over = over.map(&mut |part| rewrite(columns, part, within));
            Expr::Exists { level, over, holds: Box::new(rewrite(columns, *holds, Some(&inner))) }
        }
        Expr::Sum { level, list, keep, value, within: numbers } => {
            let of = position(columns, &list, within).map(|list| Position { label: Label::Optional, ..list });
            let inner = Within { level, bound: Bound { element: of, table: None }, outer: within };
            let list = Box::new(rewrite(columns, *list, within));
            let [keep, value] = [keep, value].map(|part| Box::new(rewrite(columns, *part, Some(&inner))));
            Expr::Sum { level, list, keep, value, within: numbers }
        }
        Expr::Look { row, then } => {
            let row = relinked(columns, row, within);
            Expr::Look { row, then: Box::new(rewrite(columns, *then, within)) }
        }
        Expr::Column { row, index, kind } => Expr::Column { row: relinked(columns, row, within), index, kind },
        Expr::Json { of, key, kind } => {
            let stored = position(columns, &of, within).and_then(|of| of.field(&key)).map(|field| field.birth.clone());
            let key = stored.map_or(key, |stored| Box::new(Expr::text(stored)));
            let key = Box::new(rewrite(columns, *key, within));
            Expr::Json { of: Box::new(rewrite(columns, *of, within)), key, kind }
        }
        other => other.map_children(&mut |child| rewrite(columns, child, within)),
    }
}

/// The row with the stored keys on the way to the name in an element that leads to it.
fn relinked<'k>(columns: Births<'k>, mut row: Row, within: Option<&Within<'k, '_>>) -> Row {
    let Root::Bound(level) = row.root else { return row };
    let Some(link) = row.hops.first_mut().and_then(|relation| relation.link.as_mut()) else { return row };
    rekeyed(columns, level, &mut link.keys, within);
    row
}

/// Replaces the keys on the way to a field inside an element.
fn rekeyed<'k>(columns: Births<'k>, level: u8, keys: &mut [String], within: Option<&Within<'k, '_>>) {
    let mut of = Expr::Element { level, kind: Kind::Json };
    for key in keys {
        let name = Expr::text(key.as_str());
        if let Some(field) = position(columns, &of, within).and_then(|of| of.field(&name)) {
            key.clone_from(&field.birth);
        }
        of = Expr::Json { of: Box::new(of), key: Box::new(name), kind: Kind::Json };
    }
}

/// Where an expression points, if into a JSON column. It is asked of the expression as compiled, with today's names.
fn position<'k>(columns: Births<'k>, expr: &Expr, within: Option<&Within<'k, '_>>) -> Option<Position<'k>> {
    match expr {
        Expr::Column { row, index, .. } => {
            let keys = columns.of(row, within).iter().find(|keys| keys.column == *index)?;
            Some(Position { keys, label: keys.label, message: Some(keys.root) })
        }
        Expr::Element { level, .. } => within?.at(*level)?.element,
        Expr::Json { of, key, .. } => {
            let of = position(columns, of, within)?;
            if of.label == Label::Map {
                return Some(Position { label: Label::Optional, ..of });
            }
            let field = of.field(key)?;
            Some(Position { keys: of.keys, label: field.label, message: field.message })
        }
        Expr::Look { then, .. } => position(columns, then, within),
        Expr::Coalesce(first, second) => position(columns, first, within).or_else(|| position(columns, second, within)),
        Expr::If { then, otherwise, .. } => {
            position(columns, then, within).or_else(|| position(columns, otherwise, within))
        }
        _ => None,
    }
}

impl<'k> Position<'k> {
    /// The field that a constant key names here; nothing in a map or a list.
    fn field(&self, key: &Expr) -> Option<&'k Key> {
        let Expr::Literal(Value::Text(name)) = key else { return None };
        if matches!(self.label, Label::Map | Label::Repeated) {
            return None;
        }
        self.keys.messages.get(self.message?)?.iter().find(|known| known.natural == *name)
    }
}

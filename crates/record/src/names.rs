//! The names under which the fields of a message are accepted: one answer for bodies, masks, filters, orders and queries.

use std::borrow::Cow;

/// What a field is called.
#[derive(Debug, Clone, Copy)]
pub struct Names<'n, A> {
    /// In the contract: `list_price`.
    pub name: &'n str,
    /// In JSON: `listPrice`, unless the contract chose another.
    pub json_name: &'n str,
    /// In the contract, before: `unit_price`. Each stands for its JSON name, too.
    pub aliases: &'n [A],
}

/// How strong a name is: the lower, the stronger. A field's own names win over another field's aliases.
pub type Rank = u8;

impl<'n, A: AsRef<str>> Names<'n, A> {
    /// Every accepted name, the strongest first.
    pub fn accepted(self) -> impl Iterator<Item = (Rank, Cow<'n, str>)> {
        let own = [(0, Cow::Borrowed(self.name)), (1, Cow::Borrowed(self.json_name))];
        let aliases = self.aliases.iter().map(|alias| (2, Cow::Borrowed(alias.as_ref())));
        let in_json = self.aliases.iter().map(|alias| (3, Cow::Owned(json_name(alias.as_ref()))));
        own.into_iter().chain(aliases).chain(in_json)
    }

    /// How strongly a text names the field; nothing where it does not.
    pub fn rank(self, text: &str) -> Option<Rank> {
        if self.name == text {
            return Some(0);
        }
        if self.json_name == text {
            return Some(1);
        }
        if self.aliases.is_empty() {
            return None;
        }
        self.accepted().find(|(_, name)| name == text).map(|(rank, _)| rank)
    }
}

/// Finds the field that a client's text names.
pub fn named<'f, F, A: AsRef<str> + 'f>(
    fields: impl IntoIterator<Item = &'f F>,
    names: impl Fn(&'f F) -> Names<'f, A>,
    text: &str,
) -> Option<&'f F> {
    let mut strongest: Option<(Rank, &'f F)> = None;
    for field in fields {
        match names(field).rank(text) {
            // No other field has a stronger one.
            Some(0) => return Some(field),
            Some(rank) if strongest.is_none_or(|(known, _)| rank < known) => strongest = Some((rank, field)),
            _ => {}
        }
    }
    strongest.map(|(_, field)| field)
}

/// The name that ProtoJSON gives a field unless the contract chooses another, as protoc makes it: `address_line_1` is
/// `addressLine1`.
pub fn json_name(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut after_underscore = false;
    for c in name.chars() {
        match c {
            '_' => after_underscore = true,
            c if after_underscore => {
                json.push(c.to_ascii_uppercase());
                after_underscore = false;
            }
            c => json.push(c),
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_are_protocs() {
        for (name, json) in [
            ("title", "title"),
            ("list_price", "listPrice"),
            ("address_line_1", "addressLine1"),
            ("address_line1", "addressLine1"),
            ("a__b", "aB"),
            ("trailing_", "trailing"),
            ("camelCase", "camelCase"),
            ("URL_of", "URLOf"),
            ("x_1y", "x1y"),
        ] {
            assert_eq!(json_name(name), json);
        }
    }

    #[test]
    fn the_strongest_name_wins() {
        struct Field(&'static str, &'static str, &'static [&'static str]);
        let fields = [
            Field("price", "price", &["list_price", "b"]),
            Field("b", "bee", &["cost"]),
            Field("listPrice", "c", &["unit_price"]),
        ];
        let find = |text| named(&fields, |f| Names { name: f.0, json_name: f.1, aliases: f.2 }, text).map(|f| f.0);
        for (text, name) in [
            ("price", Some("price")),
            ("list_price", Some("price")),
            ("listPrice", Some("listPrice")),
            ("unitPrice", Some("listPrice")),
            ("unit_price", Some("listPrice")),
            ("b", Some("b")),
            ("bee", Some("b")),
            ("cost", Some("b")),
            ("Price", None),
            ("", None),
        ] {
            assert_eq!(find(text), name, "{text}");
        }
    }
}

//! Where in a request its writes stand.

/// Where in a request a write stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The repeated field.
    list: &'static str,
    index: usize,
    /// The field of a single request that an element is, where it is not a whole request: the `name` of `names`.
    itself: Option<&'static str>,
}

impl Place {
    /// The element: `requests[3]`.
    pub fn element(&self) -> String {
        format!("{}[{}]", self.list, self.index)
    }

    /// A field of it: `requests[3].product.sku`.
    pub fn field(&self, field: &str) -> String {
        if field.is_empty() || self.itself == Some(field) {
            return self.element();
        }
        format!("{}.{field}", self.element())
    }
}

/// How a request holds its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It is one.
    One,
    /// Whole requests, in this field.
    Requests(&'static str),
    /// Names, in this field.
    Names(&'static str),
}

impl Holds {
    /// The field that they are in.
    pub fn list(self) -> &'static str {
        match self {
            Holds::One => "",
            Holds::Requests(list) | Holds::Names(list) => list,
        }
    }

    /// Where one of the writes stands; a request that is one has no places.
    pub fn place(self, index: usize) -> Option<Place> {
        match self {
            Holds::One => None,
            Holds::Requests(list) => Some(Place { list, index, itself: None }),
            Holds::Names(list) => Some(Place { list, index, itself: Some("name") }),
        }
    }
}

//! Where in a request its writes stand.

/// Where in a request a write stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    element: String,
    /// The field of a single request that an element is, where it is not a whole request: the `name` of `names`.
    itself: Option<&'static str>,
}

impl Place {
    /// The place of this path.
    pub fn of(element: String) -> Place {
        Place { element, itself: None }
    }

    /// The element: `requests[3]`.
    pub fn element(&self) -> String {
        self.element.clone()
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// It is one.
    One,
    /// Whole requests, in this field.
    Requests(&'static str),
    /// Names, in this field.
    Names(&'static str),
    /// Each in its own way.
    Each(Vec<Place>),
}

impl Holds {
    /// The field that they are in.
    pub fn list(&self) -> &'static str {
        match self {
            Holds::One => "",
            Holds::Requests(list) | Holds::Names(list) => list,
            Holds::Each(_) => "writes",
        }
    }

    /// Where one of the writes stands; a request that is one has no places.
    pub fn place(&self, index: usize) -> Option<Place> {
        match self {
            Holds::One => None,
            Holds::Requests(list) => Some(Place::of(format!("{list}[{index}]"))),
            Holds::Names(list) => Some(Place { element: format!("{list}[{index}]"), itself: Some("name") }),
            Holds::Each(places) => places.get(index).cloned(),
        }
    }
}

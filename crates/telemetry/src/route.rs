//! Where the requests of one method are counted.

/// The counters of one route. Made once per method, so that counting a request looks nothing up.
#[derive(Debug)]
pub struct Route {
    name: Box<str>,
}

impl Route {
    /// Returns the label, for example `/shop.v1.ProductService/GetProduct`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

//! What a form sends.

use http::HeaderMap;
use mainstay_fault::{Fault, Reason};
use mainstay_layers::{Body, essence};

use crate::protocol::read_body;
use crate::transcode::parameters;

/// How much a form may send.
pub const MAX_FORM_BYTES: usize = 64 << 10;

/// The only content type of a form that is taken.
const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form, or of an address's query. Of several of one name the first counts.
#[derive(Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads what was posted.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Form, Fault> {
        if !essence(headers).eq_ignore_ascii_case(FORM.as_bytes()) {
            return Err(Fault::new(Reason::UnsupportedMediaType)
                .message(format!("a page takes the fields of its form, as `{FORM}`"))
                .meta("accept", FORM));
        }
        let body = read_body(body, MAX_FORM_BYTES).await?;
        let text = std::str::from_utf8(&body).map_err(|_| unreadable("is not UTF-8"))?;
        Form::of(text).ok_or_else(|| unreadable("is not percent-encoded as forms are"))
    }

    /// Reads a query; what cannot be read has no fields.
    pub fn of_query(query: &str) -> Form {
        Form::of(query).unwrap_or_default()
    }

    fn of(text: &str) -> Option<Form> {
        let fields = parameters(text).map(|field| field.ok().map(|of| (of.name.into_owned(), of.value.into_owned())));
        fields.collect::<Option<Vec<_>>>().map(Form)
    }

    /// Gives a field as it was sent; empty where it was not.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
    }

    /// Gives all of them, as they came.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is a field.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(of, _)| of == name)
    }

    /// Names the first field that is there more than once.
    pub fn repeated(&self) -> Option<&str> {
        let again = |(index, (name, _)): &(usize, &(String, String))| self.0[..*index].iter().any(|(of, _)| of == name);
        self.0.iter().enumerate().find(again).map(|(_, (name, _))| name.as_str())
    }

    /// Gives a field that somebody types or pastes: without blanks around it.
    pub fn typed(&self, name: &str) -> String {
        self.text(name).trim().to_owned()
    }
}

fn unreadable(what: &str) -> Fault {
    Fault::new(Reason::MalformedRequest).message(format!("what the form sent {what}"))
}

//! The kinds of messages that a stream has.

use mainstay_wire::frame::Fields;
use prost_reflect::MethodDescriptor;

/// What a stream's events are called whose messages are all of one kind, as browsers call them.
pub const USUAL: &str = "message";

/// What an event is called that ends a stream because something went wrong. No kind of message is.
pub const ERROR: &str = "error";

/// The members of the one `oneof` that a stream's messages have: each is a kind of event.
#[derive(Debug, Default)]
pub struct Kinds(Box<[(u32, Box<str>)]>);

impl Kinds {
    /// Finds the kinds of a method that answers with a stream; none where its messages are all of one.
    pub fn of(method: &MethodDescriptor) -> Kinds {
        let output = method.output();
        let mut oneofs = output.oneofs().filter(|oneof| method.is_server_streaming() && !oneof.is_synthetic());
        let (Some(only), None) = (oneofs.next(), oneofs.next()) else { return Kinds::default() };
        Kinds(only.fields().map(|field| (field.number(), field.json_name().into())).collect())
    }

    /// What the event of a message is called.
    pub fn name(&self, message: &[u8]) -> &str {
        let mut name = USUAL;
        let mut fields = Fields::of(message);
        while let (false, Ok(Some((number, _)))) = (self.0.is_empty(), fields.next()) {
            // The last member of a oneof is the one that is set.
            name = self.0.iter().find(|(member, _)| *member == number).map_or(name, |(_, member)| member);
        }
        if name == ERROR { USUAL } else { name }
    }
}

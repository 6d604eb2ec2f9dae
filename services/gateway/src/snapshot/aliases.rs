//! The other names of fields: `(mainstay.v1.field).aliases`.

use prost_reflect::{DescriptorPool, Value};

/// Lists the aliases of a message's fields, each with its field's number.
pub fn aliases(pool: &DescriptorPool, message: &str) -> Vec<(String, u32)> {
    let extension = pool.get_extension_by_name("mainstay.v1.field");
    let (Some(message), Some(extension)) = (pool.get_message_by_name(message), extension) else { return Vec::new() };
    let mut found = Vec::new();
    for field in message.fields() {
        let options = field.options();
        if !options.has_extension(&extension) {
            continue;
        }
        let option = options.get_extension(&extension);
        let names = option.as_message().and_then(|option| option.get_field_by_name("aliases"));
        for name in names.iter().filter_map(|names| names.as_list()).flatten().filter_map(Value::as_str) {
            found.push((name.to_owned(), field.number()));
        }
    }
    found
}

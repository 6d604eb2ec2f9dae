//! Page tokens: as a stranger writes one, and as one would be who had the key.

use mainstay_data::domain::page_token::{Binding, open, seal};
use mainstay_data::plans::Position;
use mainstay_keys::SealingKey;
use mainstay_record::{NumberPath, Value};

const BINDING: Binding<'static> = Binding {
    resource_type: "lib.example.org/Book",
    parent: "",
    filter: "",
    order_by: "",
    show_deleted: false,
    principal: "ann",
};

/// A stranger's token is refused; what was sealed comes back as it was, for the same list and caller alone.
pub fn take(text: &str) {
    let key = SealingKey::from_bytes(&[7; 32]).expect("a key has 32 bytes");
    assert!(open(&key, &BINDING, text, 0).is_err(), "nobody else makes tokens");
    let keys =
        text.split('\n').zip(1..).map(|(value, number)| (NumberPath(vec![number]), Value::Text(value.to_owned())));
    let position = Position { keys: keys.collect() };
    let sealed = seal(&key, &BINDING, &position, 0).expect("it can be sealed");
    match open(&key, &BINDING, &sealed, 0) {
        Ok(found) => assert_eq!(found.keys, position.keys),
        Err(_) => assert!(sealed.len() > mainstay_data::domain::page_token::MAX_TOKEN_BYTES),
    }
    let other = Binding { principal: text, ..BINDING };
    assert!(text == "ann" || open(&key, &other, &sealed, 0).is_err());
    assert!(open(&key, &Binding { filter: "x", ..BINDING }, &sealed, 0).is_err());
}

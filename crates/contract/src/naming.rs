//! How names of one kind become names of another.

/// How long a name in a database may be: PostgreSQL cuts longer ones off without a word.
pub const MAX_IDENTIFIER_BYTES: usize = 63;

/// `OrderLine`, `orderLine`, `HTTPServer` to `order_line`, `order_line`, `http_server`.
pub(crate) fn snake(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    for (i, byte) in bytes.iter().enumerate() {
        let previous = i.checked_sub(1).and_then(|at| bytes.get(at));
        let starts_word = byte.is_ascii_uppercase()
            && previous.is_some_and(|previous| {
                let after_small = previous.is_ascii_lowercase() || previous.is_ascii_digit();
                let before_small = bytes.get(i + 1).is_some_and(u8::is_ascii_lowercase);
                after_small || (previous.is_ascii_uppercase() && before_small)
            });
        if starts_word {
            out.push('_');
        }
        out.push(char::from(byte.to_ascii_lowercase()));
    }
    out
}

/// `order_lines`, `orderLines` to `OrderLines`.
pub(crate) fn upper_camel(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// `OrderLine` and `order_line` to `orderLine`.
pub(crate) fn lower_camel(name: &str) -> String {
    let upper = upper_camel(&snake(name));
    upper.get(..1).map_or(String::new(), |first| first.to_ascii_lowercase() + &upper[1..])
}

/// `shop.v1.OrderLine` to `shop_v1_order_line`.
pub(crate) fn table(package: &str, message: &str) -> String {
    format!("{}_{}", package.replace('.', "_"), snake(message)).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_their_case() {
        for (upper, snaked) in [("Product", "product"), ("OrderLine", "order_line"), ("HTTPServer", "http_server")] {
            assert_eq!(snake(upper), snaked);
        }
        assert_eq!(snake("Sha256Sum"), "sha256_sum");
        assert_eq!(upper_camel("bookShelves"), "BookShelves");
        assert_eq!(upper_camel("book_shelves"), "BookShelves");
        assert_eq!(lower_camel("OrderLine"), "orderLine");
        assert_eq!(lower_camel("order_lines"), "orderLines");
        assert_eq!(table("shop.v1", "OrderLine"), "shop_v1_order_line");
    }
}

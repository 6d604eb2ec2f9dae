//! Generated filters.

use proptest::prelude::*;
use proptest::sample::select;

use super::{INTS, TEXTS};

/// Conditions that no generator of ours would meet.
const FILTERS: [&str; 32] = [
    "active = true",
    "sealed != true",
    "state = CART",
    "state != GONE",
    "shop = \"shops/a\"",
    "place = \"countries/a/towns/b\"",
    "name != \"items/b\"",
    "etag = \"00000000000000ab\"",
    "create_time < \"2024-05-01T12:00:00Z\"",
    "create_time != \"2024-05-01T12:00:00Z\"",
    "create_time = null",
    "rating != null",
    "address = null",
    "ttl <= 20s",
    "day > \"2024-02-28\"",
    "address:city",
    "nick = null",
    "nick != null",
    "nick = \"null\"",
    "nick:\"*\"",
    "nick != \"*\"",
    "nick = *",
    "title = *",
    "title != *",
    "shop = null",
    "place != null",
    "extra = null",
    "weight = *",
    "tags:\"*\"",
    "grade = 0.1",
    "tree.word = null",
    "labels:\"*\"",
];

/// Paths whose presence can be asked.
const PRESENT: &str = "title nick stock rating weight active sealed state create_time ttl day digest shop place address address.city tags codes lines lines.part lines.notes labels labels.a counts.b extra ratios tree tree.word tree.child grade share grades by_number by_number.7";

/// A filter that compiles.
pub fn filter() -> BoxedStrategy<String> {
    joined(restriction())
}

/// A filter that compiles, whose paths go on behind references.
pub fn filter_over_relations() -> BoxedStrategy<String> {
    let towns = vec![
        "place.label = a",
        "place.title != \"b*\"",
        "place.headCount > 1",
        "place.item = null",
        "place.label = null",
        "towns:*",
        "towns.label:a",
        "towns.headCount:7",
        "towns.item.title:a",
        "towns.item.tags:a",
        "towns.item.tags:*",
        "NOT towns.item.codes:7",
        "towns.item.lines.quantity:7",
        "towns.item.lines.notes:a",
        "shop.towns.item.lines.part.sku:a",
        "towns.item.labels:a",
        "shop.towns.label:b",
        "place.country.towns.item.nick:\"a*\"",
        "towns.item.towns:*",
        "towns.item.towns.label:a",
        "NOT towns.item.active:true",
    ];
    let hops = select(vec!["", "shop.", "shop.shop.", "place.item.", "place.country.", "place.item.shop."]);
    let far = (hops, restriction()).prop_map(|(hops, restriction)| format!("{hops}{restriction}"));
    joined(prop_oneof![6 => far, 2 => select(towns).prop_map(str::to_owned)].boxed())
}

fn restriction() -> BoxedStrategy<String> {
    let sign = || select(vec!["=", "!=", "<", "<=", ">", ">=", ":"]);
    let equality = || select(vec!["=", "!=", ":"]);
    let quoted = || select(&TEXTS[..]).prop_map(filter_text);
    let pattern = (select(&TEXTS[..]), select(vec!["{}*", "*{}", "*{}*", "{}*{}", "*"])).prop_map(|(text, shape)| {
        let inner = filter_text(text);
        format!("\"{}\"", shape.replace("{}", &inner[1..inner.len() - 1]))
    });
    let texts = || {
        select(vec!["title", "nick", "name", "shop", "place", "address.city", "labels.a", "tree.word", "labels.\"ä\""])
    };
    let ints = select(vec!["stock", "rating", "address.floor", "counts.a"]);
    prop_oneof![
        (texts(), sign(), quoted()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts(), equality(), pattern).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (ints, sign(), select(&INTS[..])).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (select(vec!["price", "weight", "grade", "share"]), sign(), select(vec!["0", "1", "-1.5", "0.1", "1e300"]))
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (select(vec!["tags", "lines.product", "lines.notes", "lines.part.sku"]), quoted())
            .prop_map(|(a, b)| format!("{a}:{b}")),
        (select(vec!["ratios", "grades"]), select(vec!["0.1", "1", "-1.5", "1e300"]))
            .prop_map(|(a, b)| format!("{a}:{b}")),
        select(&INTS[..]).prop_map(|key| format!("by_number:{key}")),
        (select(&INTS[..]), sign(), quoted()).prop_map(|(key, op, text)| format!("by_number.{key} {op} {text}")),
        (select(vec!["codes", "lines.quantity"]), 0..4).prop_map(|(a, b)| format!("{a}:{b}")),
        (select(vec!["labels", "counts", "extra"]), quoted()).prop_map(|(a, b)| format!("{a}:{b}")),
        select(PRESENT.split(' ').collect::<Vec<_>>()).prop_map(|name| format!("{name}:*")),
        select(&FILTERS[..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn joined(leaf: BoxedStrategy<String>) -> BoxedStrategy<String> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("NOT ({of})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) AND ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) OR -({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) ({b})")),
        ]
    })
    .boxed()
}

/// A text as a filter's literal, its stars escaped.
fn filter_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*"))
}

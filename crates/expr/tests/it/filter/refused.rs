//! Filters that are refused, with the part that is to blame.

use mainstay_expr::{MAX_DEPTH, MAX_FILTER_BYTES, MAX_NODES, ProblemKind, compile_filter};

use crate::fixture::{item, records};

/// Each filter, the sort of problem, what the place covers, and a part of the message.
const REFUSED: &[(&str, ProblemKind, &str, &str)] = &[
    ("stok = 5", ProblemKind::UnknownName, "stok", "no field `stok`"),
    ("stock = 5 AND address.street = x", ProblemKind::UnknownName, "street", "no field `street`"),
    ("lines.price:1", ProblemKind::UnknownName, "price", "no field `price`"),
    ("address:street", ProblemKind::UnknownName, "street", "no field"),
    ("state = BOX", ProblemKind::UnknownName, "BOX", "no value `BOX`"),
    ("state = cart", ProblemKind::UnknownName, "cart", "no value"),
    ("stock = five", ProblemKind::Type, "five", "not an integer"),
    ("stock = \"5\"", ProblemKind::Type, "\"5\"", "not an integer"),
    ("stock = 5.0", ProblemKind::Type, "5.0", "not an integer"),
    ("stock = 9223372036854775808", ProblemKind::Type, "9223372036854775808", "not an integer"),
    ("price = NaN", ProblemKind::Type, "NaN", "not a number"),
    ("price = inf", ProblemKind::Type, "inf", "not a number"),
    ("price = 1e999", ProblemKind::Type, "1e999", "not a number"),
    ("active = yes", ProblemKind::Type, "yes", "not a bool"),
    ("active > true", ProblemKind::Type, ">", "no order"),
    ("state < CART", ProblemKind::Type, "<", "no order"),
    ("create_time > yesterday", ProblemKind::Type, "yesterday", "not a timestamp"),
    ("create_time > \"2024-05-01\"", ProblemKind::Type, "\"2024-05-01\"", "not a timestamp"),
    ("create_time > \"0000-05-01T00:00:00Z\"", ProblemKind::Type, "\"0000-05-01T00:00:00Z\"", "not a timestamp"),
    ("ttl > 20", ProblemKind::Type, "20", "not a duration"),
    ("ttl > 20m", ProblemKind::Type, "20m", "not a duration"),
    ("day = \"2024-02-30\"", ProblemKind::Type, "\"2024-02-30\"", "not a date"),
    ("tags = red", ProblemKind::Type, "=", "`:`"),
    ("lines.product = x", ProblemKind::Type, "=", "only `:`"),
    ("lines:x", ProblemKind::Type, "x", "list of messages"),
    ("address = x", ProblemKind::Type, "=", "`:`"),
    ("stock.x = 1", ProblemKind::Type, "x", "no field `x`"),
    ("shop.owner = x", ProblemKind::UnknownName, "owner", "`shop.v1.Item` has no field `owner`"),
    ("name.title = x", ProblemKind::Type, "title", "`name` is a string: it has no field `title`"),
    ("extra.k = 1", ProblemKind::Unsupported, "k", "not supported yet"),
    ("tree.child.word = x", ProblemKind::Unsupported, "word", "`word` lies further in"),
    ("tree.child:word", ProblemKind::Unsupported, "word", "contains itself"),
    ("tree.wort = x", ProblemKind::UnknownName, "wort", "no field `wort`"),
    ("digest = x", ProblemKind::Unsupported, "x", "bytes"),
    ("stock = null", ProblemKind::Type, "null", "never null"),
    ("title = null", ProblemKind::Type, "null", "never null"),
    ("name != null", ProblemKind::Type, "null", "never null"),
    ("etag = null", ProblemKind::Type, "null", "never null"),
    ("tags:null", ProblemKind::Type, "null", "never null"),
    ("labels.color = null", ProblemKind::Type, "null", "never null"),
    ("tags = null", ProblemKind::Type, "=", "`:`"),
    ("nick < null", ProblemKind::Type, "<", "null has no order"),
    ("rating > null", ProblemKind::Type, ">", "null has no order"),
    ("title < *", ProblemKind::Type, "*", "wildcard"),
    ("by_number:one", ProblemKind::Type, "one", "no key of this map"),
    ("by_number.one = x", ProblemKind::Type, "one", "no key of this map"),
    ("by_number = 1", ProblemKind::Type, "=", "`by_number` is a map with integer keys: it can only be asked with `:`"),
    ("title < \"a*\"", ProblemKind::Type, "\"a*\"", "wildcard"),
    ("title = \"a*b*c\"", ProblemKind::Unsupported, "\"a*b*c\"", "wildcards"),
    ("etag > x", ProblemKind::Type, ">", "no order"),
    ("cup", ProblemKind::Unsupported, "cup", "not supported"),
    ("\"blue cup\"", ProblemKind::Unsupported, "\"blue cup\"", "not supported"),
    ("stock = 5 cup", ProblemKind::Unsupported, "cup", "not supported"),
    ("near(stock, 5)", ProblemKind::Unsupported, "near", "function near()"),
    ("stock = f(5)", ProblemKind::Unsupported, "f", "function f()"),
    ("stock = (5 OR 6)", ProblemKind::Unsupported, "(", "group"),
    ("stock =", ProblemKind::Syntax, "", "expected a value"),
    ("stock = AND", ProblemKind::Syntax, "AND", "expected a value"),
    ("= 5", ProblemKind::Syntax, "=", "field name"),
    ("AND stock = 5", ProblemKind::Syntax, "A", "expected a condition"),
    ("stock = 5 AND", ProblemKind::Syntax, "", "field name"),
    ("stock = 5 OR OR stock = 6", ProblemKind::Syntax, "O", "expected a condition"),
    ("NOT", ProblemKind::Syntax, "", "field name"),
    ("NOT NOT stock = 5", ProblemKind::Syntax, "N", "expected a condition"),
    ("(stock = 5", ProblemKind::Syntax, "(", "not closed"),
    ("stock = 5)", ProblemKind::Syntax, ")", "closes nothing"),
    ("()", ProblemKind::Syntax, ")", "field name"),
    ("title = \"open", ProblemKind::Syntax, "\"open", "not closed"),
    ("title = \"\\q\"", ProblemKind::Syntax, "\\q", "escape"),
    ("title = \"a\0b\"", ProblemKind::Type, "\0", "U+0000"),
    ("stock ! 5", ProblemKind::Syntax, "!", "`!=`"),
    ("stock == 5", ProblemKind::Syntax, "=", "expected a value"),
    ("stock = 5 = 6", ProblemKind::Syntax, "=", "field name"),
    ("stock = 5,6", ProblemKind::Syntax, ",", "expected AND"),
    ("address. = 5", ProblemKind::Syntax, " ", "field name"),
    (".stock = 5", ProblemKind::Syntax, ".", "field name"),
    ("\"stock\" = 5", ProblemKind::Syntax, "\"stock\"", "without quotes"),
    ("title = 🍵 OR 🍵 = x", ProblemKind::UnknownName, "🍵", "no field"),
];

#[test]
fn what_a_filter_refuses_is_underlined() {
    for (source, kind, covered, message) in REFUSED {
        let problem = compile_filter(source, &item(), &records()).expect_err(source);
        assert_eq!(problem.kind, *kind, "{source}: {problem}");
        assert_eq!(&source[problem.span.clone()], *covered, "{source}: {problem}");
        assert!(problem.message.contains(message), "{source}: {problem}");
    }
}

#[test]
fn a_filter_beyond_the_limits_is_refused() {
    let longest = format!("title = {}", "x".repeat(MAX_FILTER_BYTES - 8));
    compile_filter(&longest, &item(), &records()).unwrap();
    let deepest = "(".repeat(MAX_DEPTH) + "stock = 1" + &")".repeat(MAX_DEPTH);
    compile_filter(&deepest, &item(), &records()).unwrap();
    let widest = "stock=1 ".repeat(MAX_NODES);
    compile_filter(&widest, &item(), &records()).unwrap();
    for source in [format!("{longest}x"), format!("({deepest})"), "NOT (".repeat(4000), format!("{widest} stock=1")] {
        let problem = compile_filter(&source, &item(), &records()).unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Limit, "{problem}");
    }
}

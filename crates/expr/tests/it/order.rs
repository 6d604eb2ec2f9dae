//! Orders.

use mainstay_expr::{MAX_ORDER_BYTES, MAX_ORDER_KEYS, OrderKey, ProblemKind, compile_order};
use mainstay_record::NumberPath;

use crate::fixture::{column, item};

#[test]
fn an_order_names_columns_identities_and_directions() {
    let key = |columns: &[&str], path: &[u32], descending: bool, nullable: bool| OrderKey {
        columns: columns.iter().map(|name| column(name)).collect(),
        path: NumberPath(path.to_vec()),
        descending,
        nullable,
    };
    let cases = [
        ("", vec![]),
        ("  ", vec![]),
        ("stock", vec![key(&["stock"], &[5], false, false)]),
        (" create_time   desc ", vec![key(&["create_time"], &[12], true, true)]),
        (
            "address.city desc,label, stock asc",
            vec![
                key(&["address__city"], &[18, 1], true, false),
                key(&["title"], &[3], false, false),
                key(&["stock"], &[5], false, false),
            ],
        ),
        (
            "createTime desc,address.city",
            vec![key(&["create_time"], &[12], true, true), key(&["address__city"], &[18, 1], false, false)],
        ),
        ("name desc", vec![key(&["_id"], &[1], true, false)]),
        ("place", vec![key(&["place_country", "place_town"], &[17], false, true)]),
    ];
    for (source, expected) in cases {
        assert_eq!(compile_order(source, &item()), Ok(expected), "{source}");
    }
}

#[test]
fn what_an_order_refuses_is_underlined() {
    let cases = [
        ("stok", ProblemKind::UnknownName, "stok"),
        ("stock, address.street", ProblemKind::UnknownName, "street"),
        ("stock down", ProblemKind::Syntax, "down"),
        ("stock desc desc", ProblemKind::Syntax, "desc"),
        ("stock,", ProblemKind::Syntax, ""),
        (", stock", ProblemKind::Syntax, ""),
        ("stock title", ProblemKind::Syntax, "title"),
        ("address..city", ProblemKind::Syntax, "address..city"),
        ("tags", ProblemKind::Type, "tags"),
        ("labels.color", ProblemKind::Type, "labels"),
        ("address", ProblemKind::Type, "address"),
        ("etag", ProblemKind::Type, "etag"),
        ("stock, title, stock desc", ProblemKind::Type, "stock"),
        ("shop.title", ProblemKind::Unsupported, "shop"),
        ("name.title", ProblemKind::Type, "name"),
    ];
    for (source, kind, covered) in cases {
        let problem = compile_order(source, &item()).expect_err(source);
        assert_eq!(problem.kind, kind, "{source}: {problem}");
        assert_eq!(&source[problem.span.clone()], covered, "{source}: {problem}");
    }
}

#[test]
fn an_order_beyond_the_limits_is_refused() {
    let fields = "title,nick,stock,rating,price,weight,active,sealed,state";
    assert_eq!(fields.split(',').count(), MAX_ORDER_KEYS + 1);
    for source in [fields.to_owned(), "a".repeat(MAX_ORDER_BYTES + 1)] {
        assert_eq!(compile_order(&source, &item()).unwrap_err().kind, ProblemKind::Limit);
    }
}

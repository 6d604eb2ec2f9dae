//! What rules mean, as a table; what they refuse, with the place.

use mainstay_expr::{
    AuthView, MAX_RULE_BYTES, MAX_RULE_DEPTH, MAX_RULE_PUNCTUATION, ProblemKind, RuleScope, Scope, Type,
    compile_default, compile_rule, evaluate, evaluate_value,
};
use mainstay_record::Value;

use crate::fixture::{self, NOW, empty, full, item, scope, state};

const T: Option<bool> = Some(true);
const F: Option<bool> = Some(false);
const N: Option<bool> = None;

fn roles() -> Vec<String> {
    vec!["merchant".to_owned(), "support".to_owned()]
}

/// The outcome of a rule for a signed-in caller on the full record.
fn on_full(source: &str) -> Option<bool> {
    let roles = roles();
    let amr = ["pwd".to_owned(), "otp".to_owned()];
    let permissions = ["orders.read".to_owned(), "orders.cancel".to_owned()];
    let claims =
        serde_json::json!({"tier": "gold", "seats": 5, "share": 2.5, "beta": true, "none": null, "of": {"a": 1}});
    let auth = AuthView {
        uid: Some("u1"),
        email: Some("ada@example.org"),
        email_verified: true,
        roles: &roles,
        amr: &amr,
        aal: 2,
        permissions: &permissions,
        org: Some("acme"),
        fresh: Some(299_999_999),
        kind: Some("user"),
        claims: claims.as_object(),
    };
    on(source, auth, &full())
}

fn on(source: &str, auth: AuthView<'_>, record: &[Value]) -> Option<bool> {
    let program = compile_rule(source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
    let scope = Scope { auth, ..fixture::on(record) };
    evaluate(&program.root, &scope)
}

fn check(cases: &[(&str, Option<bool>)], outcome: impl Fn(&str) -> Option<bool>) {
    for (source, expected) in cases {
        assert_eq!(outcome(source), *expected, "{source}");
    }
}

#[test]
fn scalars_compare() {
    check(
        &[
            ("resource.stock == 5", T),
            ("5 < resource.stock", F),
            ("resource.stock >= 5u", T),
            ("resource.stock != -5", T),
            ("resource.price > 2", T),
            ("resource.price == 2.5", T),
            ("resource.grade == 0.1", T),
            ("resource.grade != 0.1 || resource.grade > 0.1 || 0.1 < resource.grade", F),
            ("resource.grade in [0.1, 0.2] && 0.1 in resource.grades", T),
            ("resource.share == 16777217 && resource.share < 1e300", T),
            ("(resource.active ? resource.grade : resource.price) == 0.1", F),
            ("resource.active", T),
            ("!resource.sealed", T),
            ("resource.active == true && resource.sealed != true", T),
            ("resource.title == 'Blue Tässchen 🍵'", T),
            ("resource.title < 'blue'", T),
            ("resource.digest == b'\\x00\\xff'", T),
            ("resource.digest != b''", T),
            ("resource.label == resource.title", T),
            ("resource.rating < resource.stock", T),
            ("old.stock == new.stock", T),
            ("(2 + 3) * 4 - 1 == 19 && 7 / 2 == 3 && 7 % 2 == 1", T),
        ],
        on_full,
    );
}

#[test]
fn numbers_moments_and_durations_are_computed() {
    check(
        &[
            ("resource.stock + 1 == 6 && resource.stock * resource.rating == -10", T),
            ("-resource.stock == -5 && -resource.price == -2.5", T),
            ("resource.stock / resource.rating == -2 && resource.stock % resource.rating == 1", T),
            ("resource.price * 2 == 5.0 && resource.price / 2.0 - 0.25 == 1", T),
            ("resource.grade + 0.0 == 0.1", F),
            ("now - resource.create_time == duration('1h')", T),
            ("resource.create_time + duration('1h') == now && resource.ttl + resource.create_time < now", T),
            ("resource.ttl - duration('5s') == duration('15s')", T),
            ("date(now) == date('2024-05-01') && resource.day < date(now)", T),
            ("date(resource.create_time - duration('12h')) == date('2024-04-30')", T),
            ("resource.codes.sum() == -6 && resource.codes.sum(c, c * c) == 50", T),
            ("resource.lines.sum(l, l.quantity) == 2 && resource.lines.filter(l, false).sum(l, l.quantity) == 0", T),
            ("size(resource.codes.filter(c, c > 0)) == 1 && size(resource.lines.map(l, l.product)) == 2", T),
            ("resource.codes.exists_one(c, c == 1) && !resource.codes.exists_one(c, c < 9)", T),
            ("resource.title.matches('^Blue T.*🍵$')", T),
            ("matches(resource.title, '^blue')", F),
        ],
        on_full,
    );
}

#[test]
fn what_has_no_result_is_an_error_and_so_not_true() {
    check(
        &[
            ("resource.stock / (resource.stock - 5) == 1", N),
            ("resource.stock % (resource.stock - 5) != 1", N),
            ("resource.stock + 9223372036854775807 > 0", N),
            ("resource.stock * 9223372036854775807 > 0 || true", T),
            ("resource.price / (resource.price - 2.5) > 1.0", N),
            ("resource.price * 1e300 > 1.0", N),
            ("resource.create_time + duration('87600000h') > now", N),
            ("!(resource.codes.sum(c, c * 9223372036854775807) > 0)", N),
            ("resource.codes.map(c, 1 / (c + 7)).sum() == 0", N),
            ("resource.codes.exists_one(c, 1 / (c + 7) == 0)", N),
        ],
        on_full,
    );
}

#[test]
fn enum_values_are_named_from_the_record_outwards() {
    check(
        &[
            ("resource.state == State.CART", T),
            ("resource.state == shop.v1.Item.State.PLACED", F),
            ("resource.state == v1.Item.State.CART", T),
            ("resource.state != Item.State.GONE", T),
            ("resource.state in [State.CART, State.PLACED]", T),
            ("resource.state == 1", T),
            ("old.state == new.state", T),
        ],
        on_full,
    );
}

#[test]
fn text_functions_go_by_code_points_and_bytes() {
    check(
        &[
            ("resource.title.startsWith('Blue')", T),
            ("resource.title.startsWith('blue')", F),
            ("resource.title.startsWith('')", T),
            ("resource.title.endsWith('🍵')", T),
            ("resource.title.contains('ssch')", T),
            ("resource.title.contains('')", T),
            ("resource.nick.contains('%_b*c\\\\')", T),
            ("resource.nick.startsWith('a%')", T),
            ("resource.nick.startsWith('aX')", F),
            ("size(resource.title) == 15", T),
            ("resource.title.size() == 15", T),
            ("size(resource.digest) == 2", T),
            ("resource.title.lowerAscii() == 'blue tässchen 🍵'", T),
            ("'Ä' == 'ä'.upperAscii()", F),
            ("resource.title.upperAscii().startsWith('BLUE TäS')", T),
            ("'u' + '1' == auth.uid", T),
            ("resource.title.startsWith(resource.title)", T),
        ],
        on_full,
    );
}

#[test]
fn lists_and_maps_are_searched_and_counted() {
    check(
        &[
            ("'red' in resource.tags", T),
            ("'x\"y' in resource.tags", T),
            ("'Red' in resource.tags", F),
            ("1 in resource.codes && !(2 in resource.codes)", T),
            ("size(resource.tags) == 3 && resource.lines.size() == 2", T),
            ("size(resource.labels) == 3", T),
            ("0.5 in resource.ratios && 3 in resource.ratios && !(2.0 in resource.ratios)", T),
            ("'color' in resource.labels", T),
            ("'q\"k' in resource.labels", T),
            ("'none' in resource.labels", F),
            ("resource.labels['color'] == 'blue'", T),
            ("resource.labels.color == 'blue'", T),
            ("resource.labels['none'] == 'blue'", N),
            ("resource.labels['none'] == 'blue' || true", T),
            ("resource.counts.zero == 0", T),
            ("has(resource.counts.zero) && !has(resource.counts.two)", T),
            ("'merchant' in auth.roles", T),
            ("'admin' in auth.roles", F),
            ("size(auth.roles) == 2", T),
            ("auth.uid in ['u0', 'u1']", T),
            ("auth.uid in []", F),
            ("resource.stock in [1, 5, 9]", T),
            ("auth.uid in resource.labels", F),
        ],
        on_full,
    );
}

#[test]
fn names_compare_as_texts_and_as_keys() {
    check(
        &[
            ("resource.name == 'items/cup'", T),
            ("resource.name == 'items/mug'", F),
            ("resource.name == 'cup'", F),
            ("resource.name.startsWith('items/')", T),
            ("resource.shop == 'shops/corner'", T),
            ("resource.shop != 'shops/corner'", F),
            ("resource.shop != 'shop/corner'", T),
            ("resource.place == 'countries/it/towns/rome'", T),
            ("resource.place == 'countries/it/towns/milan'", F),
            ("old.shop == new.shop", T),
            ("resource.shop in ['shops/a', 'shops/corner']", T),
            ("resource.shop == 'shops/' + 'corner'", T),
            ("resource.tree.word == 'root' && has(resource.tree.child) && has(resource.tree.word)", T),
            ("resource.etag == '00000000000000ab'", T),
            ("resource.etag == '00000000000000AB'", F),
            ("old.etag == new.etag", T),
        ],
        on_full,
    );
}

#[test]
fn times_compare_and_move() {
    check(
        &[
            ("resource.create_time < now", T),
            ("resource.create_time == now - duration('1h')", T),
            ("resource.create_time > timestamp('2024-05-01T12:59:59+02:00')", T),
            ("resource.ttl == duration('20s')", T),
            ("resource.ttl < duration('0.5m')", T),
            ("duration('1h30m') == duration('90m') && duration('1.5s') == duration('1500ms')", T),
            ("duration('1us') > duration('999ns') && duration('-1s') < duration('0s')", T),
            ("timestamp('2024-05-01T12:00:00.0000009Z') == now", T),
            ("timestamp('2024-05-01T00:00:00Z') + duration('12h') == now", T),
        ],
        on_full,
    );
}

#[test]
fn unset_fields_read_as_their_defaults() {
    let nobody = AuthView::default();
    let signed_in = AuthView { uid: Some("u1"), ..AuthView::default() };
    let cases = [
        ("resource.nick == ''", T),
        ("resource.nick != 'x'", T),
        ("resource.rating == 0", T),
        ("resource.rating < 1 && resource.rating > -1", T),
        ("resource.weight == 0", T),
        ("resource.sealed == false", T),
        ("!resource.sealed", T),
        ("resource.shop == ''", T),
        ("resource.shop != 'shops/corner'", T),
        ("resource.place == ''", T),
        ("resource.create_time == timestamp('1970-01-01T00:00:00Z')", T),
        ("resource.ttl == duration('0s')", T),
        ("resource.address.city == '' && resource.address.floor == 0", T),
        ("resource.tree.word == '' && !has(resource.tree.word)", T),
        ("size(resource.tags) == 0 && size(resource.labels) == 0", T),
        ("'x' in resource.tags", F),
        ("'x' in resource.labels", F),
        ("resource.labels.x == ''", N),
        ("size(resource.nick) == 0", T),
        ("resource.nick.startsWith('')", T),
        ("resource.nick.startsWith('a')", F),
    ];
    check(&cases, |source| on(source, signed_in, &empty()));
    check(&cases, |source| on(source, nobody, &empty()));
}

#[test]
fn has_tells_what_is_set() {
    let fields = "title nick stock rating price weight active sealed state create_time ttl day digest shop place address tags codes lines labels counts extra ratios tree";
    for name in fields.split(' ') {
        let source = format!("has(resource.{name})");
        assert_eq!(on(&source, AuthView::default(), &empty()), F, "{source}");
        assert_eq!(on_full(&source), T, "{source}");
    }
    check(&[("has(resource.address.city)", T), ("has(resource.name)", T), ("has(auth.uid)", T)], on_full);
}

#[test]
fn a_claim_is_of_the_type_that_it_is_asked_as() {
    check(
        &[
            ("auth.kind == 'user'", T),
            ("auth.claims.tier == 'gold'", T),
            ("'gold' == auth.claims.tier && auth.claims.tier != 'silver'", T),
            ("auth.claims['tier'] in ['silver', 'gold']", T),
            ("auth.claims.tier < 'h' && auth.claims.tier.startsWith('go')", T),
            ("auth.claims.seats == 5 && auth.claims.seats >= 4.5 && 6 > auth.claims.seats", T),
            ("auth.claims.share == 2.5 && auth.claims.share > 2", T),
            ("auth.claims.seats == resource.stock", T),
            ("auth.claims.beta && auth.claims.beta == true", T),
            ("has(auth.claims.tier) && has(auth.claims.of) && !has(auth.claims.other)", T),
            ("auth.claims.other == null && auth.claims.none == null && auth.claims.of != null", T),
            // Missing, null, or of another type: like any error, not true.
            ("auth.claims.other == 'x'", N),
            ("auth.claims.other != 'x'", N),
            ("!auth.claims.other", N),
            ("auth.claims.none == 'x'", N),
            ("auth.claims.tier == 1", N),
            ("auth.claims.seats == 'gold'", N),
            ("auth.claims.share == resource.stock", N),
            ("auth.claims.of == 'x'", N),
            ("auth.claims.seats", N),
            ("auth.claims.tier in resource.tags", F),
            ("auth.claims.other in resource.tags", N),
            ("auth.claims.other == 'x' || auth.claims.tier == 'gold'", T),
        ],
        on_full,
    );
}

#[test]
fn nobody_has_no_kind_and_no_claims() {
    let cases = [
        ("auth.kind == null && auth.claims.tier == null", T),
        ("auth.kind == 'user'", N),
        ("auth.kind != 'anonymous'", N),
        ("has(auth.claims.tier) || has(auth.kind)", F),
        ("auth.claims.tier != 'gold'", N),
    ];
    check(&cases, |source| on(source, AuthView::default(), &empty()));
}

#[test]
fn the_id_of_nobody_is_null_and_never_true() {
    let nobody = AuthView::default();
    let cases = [
        ("auth.uid == 'u1'", N),
        ("auth.uid != 'u1'", N),
        ("!(resource.title == auth.uid)", N),
        ("!(resource.nick == auth.uid)", N),
        ("resource.nick != auth.uid", N),
        ("auth.uid in ['a']", N),
        ("auth.uid in []", N),
        ("!(auth.uid in resource.tags)", N),
        ("!(auth.uid in resource.labels)", N),
        ("auth.uid in auth.roles", N),
        ("auth.uid == null", T),
        ("auth.uid != null", F),
        ("has(auth.uid)", F),
        ("auth.email == null && !auth.email_verified", T),
        ("auth.aal == 0 && !('pwd' in auth.amr)", T),
        ("auth.uid == 'x' || resource.stock == 0", T),
        ("auth.uid == 'x' && resource.stock == 1", F),
        ("auth.uid == 'x' ? true : true", N),
        ("'accounts/' + auth.uid == 'accounts/x'", N),
        ("auth.uid.startsWith('')", N),
        ("resource.stock == 0 ? true : auth.uid == ''", T),
        ("auth.org == 'acme'", N),
        ("!(resource.nick == auth.org)", N),
        ("auth.org == null && auth.fresh == null", T),
    ];
    check(&cases, |source| on(source, nobody, &empty()));
    let blank = AuthView { uid: Some(""), ..AuthView::default() };
    check(&cases, |source| on(source, blank, &empty()));
}

#[test]
fn an_organisation_is_known_and_permissions_and_how_long_ago_its_member_was_sure() {
    check(
        &[
            ("'orders.read' in auth.permissions && !('orders.write' in auth.permissions)", T),
            ("auth.permissions.exists(p, p.startsWith('orders.')) && size(auth.permissions) == 2", T),
            ("auth.org == 'acme' && auth.org != null && has(auth.org)", T),
            ("auth.org == resource.title", F),
            ("auth.fresh < duration('300s')", T),
            ("auth.fresh < duration('5m') && auth.aal >= 2", T),
            ("auth.fresh < duration('299s')", F),
            ("duration('300s') <= auth.fresh || auth.fresh == null", F),
            ("now - auth.fresh < now", T),
        ],
        on_full,
    );
    // Whoever cannot say it is not fresh, and not stale either.
    let unsure = AuthView { uid: Some("u1"), org: Some(""), ..AuthView::default() };
    let cases = [
        ("auth.fresh < duration('300s')", N),
        ("!(auth.fresh < duration('300s'))", N),
        ("auth.fresh == null", T),
        ("auth.org == null", T),
        ("auth.org == ''", N),
    ];
    check(&cases, |source| on(source, unsure, &full()));
}

#[test]
fn a_permission_that_no_role_grants_is_a_slip() {
    let granted = ["orders.read", "orders.cancel"].map(str::to_owned).into();
    let known = RuleScope { permissions: Some(std::sync::Arc::new(granted)), ..scope() };
    assert!(compile_rule("'orders.read' in auth.permissions || resource.title in auth.permissions", &known).is_ok());
    for (rule, told, help) in [
        (
            "'orders.raed' in auth.permissions",
            "no role grants the permission 'orders.raed'",
            "did you mean `orders.read`?",
        ),
        (
            "!('x' in auth.permissions)",
            "no role grants the permission 'x'",
            "the permissions that roles grant are orders.cancel, orders.read",
        ),
    ] {
        let problems = compile_rule(rule, &known).unwrap_err();
        assert_eq!((problems[0].message.as_str(), problems[0].help.as_deref()), (told, Some(help)));
        assert_eq!(&rule[problems[0].span.clone()], told.split("permission ").nth(1).unwrap());
    }
    let nothing = RuleScope { permissions: Some(std::sync::Arc::default()), ..scope() };
    let problems = compile_rule("'x' in auth.permissions", &nothing).unwrap_err();
    assert!(
        problems[0].help.as_deref().is_some_and(|help| help.contains("option (mainstay.v1.roles)")),
        "{problems:?}"
    );
}

#[test]
fn a_duration_that_is_unset_equals_the_moment_of_who_is_sure_just_now() {
    let mut record = full();
    record[crate::fixture::column("ttl")] = Value::Null;
    let sure = |fresh| AuthView { fresh: Some(fresh), ..AuthView::default() };
    assert_eq!(on("resource.ttl == auth.fresh", sure(0), &record), T);
    assert_eq!(on("resource.ttl == auth.fresh", sure(1), &record), F);
}

#[test]
fn the_caller_equals_a_nullable_field_only_where_it_is_set() {
    let caller = AuthView { uid: Some("u1"), ..AuthView::default() };
    let mut record = empty();
    let rule = "resource.nick == auth.uid";
    assert_eq!(on(rule, caller, &record), F);
    assert_eq!(on("!(resource.nick == auth.uid)", caller, &record), T);
    record[crate::fixture::column("nick")] = Value::Text("u1".into());
    assert_eq!(on(rule, caller, &record), T);
}

/// Each rule, the sort of problem, what the place covers, and a part of the message.
const REFUSED: &[(&str, ProblemKind, &str, &str)] = &[
    ("", ProblemKind::Syntax, "", "empty"),
    ("resource.stock ==", ProblemKind::Syntax, "", "not CEL"),
    ("resource.stock = 5", ProblemKind::Syntax, "=", "`=`"),
    ("(true", ProblemKind::Syntax, "", "not CEL"),
    ("resource.stock", ProblemKind::Type, "resource.stock", "must be true or false, this is an integer"),
    ("resource.colour == 'x'", ProblemKind::UnknownName, "colour", "no field `colour`"),
    ("true && resource.address.street == 'x'", ProblemKind::UnknownName, "street", "Address"),
    (
        "resource.stock == 'five'",
        ProblemKind::Type,
        "resource.stock == 'five'",
        "an integer cannot be compared with a string",
    ),
    ("resource.stock == 1.5", ProblemKind::Type, "resource.stock == 1.5", "cannot be compared"),
    ("resource.state == 'CART'", ProblemKind::Type, "resource.state == 'CART'", "enum"),
    ("resource.state == State.BOX", ProblemKind::UnknownName, "BOX", "no value `BOX`"),
    ("resource.state == Status.CART", ProblemKind::UnknownName, "Status.CART", "`Status`"),
    ("resource.tree.child.word == 'x'", ProblemKind::Unsupported, "resource.tree.child.word", "contains itself"),
    ("owner == auth.uid", ProblemKind::UnknownName, "owner", "`owner`"),
    ("auth.id == 'x'", ProblemKind::UnknownName, "id", "auth has no `id`"),
    ("auth.claims.a.b == 'x'", ProblemKind::Unsupported, "auth.claims.a.b", "inside of a claim"),
    ("auth.claims.a == auth.claims.b", ProblemKind::Unsupported, "auth.claims.a == auth.claims.b", "comparing a claim"),
    (
        "auth.claims.a == timestamp('2026-01-31T12:00:00Z')",
        ProblemKind::Unsupported,
        "auth.claims.a == timestamp('2026-01-31T12:00:00Z')",
        "comparing a claim",
    ),
    ("auth.claims == 'x'", ProblemKind::Type, "auth.claims == 'x'", "`auth.claims` itself"),
    ("auth.claims[resource.title] == 'x'", ProblemKind::Unsupported, "auth.claims[resource.title]", "not written out"),
    ("'x' in auth.claims.a", ProblemKind::Type, "auth.claims.a", "`in` needs"),
    ("auth.kind == 1", ProblemKind::Type, "auth.kind == 1", "cannot be compared"),
    ("resource.shop.owner == auth.uid", ProblemKind::UnknownName, "owner", "shop.v1.Item has no field `owner`"),
    ("resource.name.title == 'x'", ProblemKind::Type, "resource.name.title", "a string has no field"),
    ("resource.title.matches('a**')", ProblemKind::Type, "'a**'", "no regular expression"),
    ("resource.title.matches('\\\\C')", ProblemKind::Type, "'\\\\C'", "is a byte"),
    ("resource.title.matches(resource.nick)", ProblemKind::Unsupported, "resource.nick", "not written out"),
    ("resource.stock.matches('a')", ProblemKind::Type, "resource.stock", "expected a string"),
    (
        "Town.exists_one(t, t.head_count == 1)",
        ProblemKind::Unsupported,
        "Town.exists_one(t, t.head_count == 1)",
        "only exists()",
    ),
    ("Town.sum(t, t.head_count) > 1", ProblemKind::Unsupported, "Town.sum(t, t.head_count)", "only exists()"),
    ("resource.ratios.sum() > 1.0", ProblemKind::Type, "resource.ratios.sum()", "integers or durations"),
    ("resource.codes.sum(1, 2) > 1", ProblemKind::Type, "1", "names what it goes over"),
    ("resource.stock.sum() > 1", ProblemKind::Type, "resource.stock", "need a list"),
    ("resource.stock + 1.5 > 2.0", ProblemKind::Type, "resource.stock + 1.5", "`+` is not made of"),
    ("resource.title - 'a' == ''", ProblemKind::Type, "resource.title - 'a'", "`-` is not made of"),
    ("now + now > now", ProblemKind::Type, "now + now", "`+` is not made of"),
    ("resource.day + 1 > resource.day", ProblemKind::Type, "resource.day + 1", "`+` is not made of"),
    ("date('2024-13-01') > resource.day", ProblemKind::Type, "'2024-13-01'", "not a date"),
    ("date(resource.stock) > resource.day", ProblemKind::Type, "resource.stock", "takes a timestamp"),
    ("resource.stock.all(t, t == 'x')", ProblemKind::Type, "resource.stock", "need a list or rows"),
    ("resource.tags.all(t, t)", ProblemKind::Type, "t", "must be true or false"),
    ("resource.towns.label == 'x'", ProblemKind::Type, "resource.towns.label", "any number of them"),
    ("'x' in Town", ProblemKind::Type, "Town", "no list"),
    ("size(Town) > 1", ProblemKind::Type, "Town", "rows of a resource"),
    (
        "Town.filter(t, t.size > 1).exists(t, true)",
        ProblemKind::Unsupported,
        "Town.filter(t, t.size > 1)",
        "only exists()",
    ),
    ("Twon.exists(t, true)", ProblemKind::UnknownName, "Twon", "nothing is named"),
    ("resource.towns.exists(t, t.lable == 'x')", ProblemKind::UnknownName, "lable", "no field `lable`"),
    ("resource.twons.exists(t, true)", ProblemKind::UnknownName, "twons", "no field `twons`"),
    ("resource.tags[0] == 'x'", ProblemKind::Unsupported, "resource.tags[0]", "not supported yet"),
    ("resource.tags == ['x']", ProblemKind::Type, "resource.tags == ['x']", "cannot be compared"),
    ("resource.extra.k == 1", ProblemKind::Unsupported, "resource.extra.k", "Struct"),
    ("1 / 0 == 1", ProblemKind::Type, "1 / 0", "no result"),
    ("resource.create_time > timestamp('yesterday')", ProblemKind::Type, "'yesterday'", "not a timestamp"),
    ("resource.ttl > duration('400000000h')", ProblemKind::Type, "'400000000h'", "not a duration"),
    ("resource.ttl > duration('1.h.')", ProblemKind::Type, "'1.h.'", "not a duration"),
    (
        "resource.create_time > timestamp('2024-05-01T12:00:00')",
        ProblemKind::Type,
        "'2024-05-01T12:00:00'",
        "not a timestamp",
    ),
    (
        "resource.create_time > timestamp('10000-01-01T00:00:00Z')",
        ProblemKind::Type,
        "'10000-01-01T00:00:00Z'",
        "not a timestamp",
    ),
    ("resource.ttl > duration('1 day')", ProblemKind::Type, "'1 day'", "not a duration"),
    ("resource.nick == null", ProblemKind::Type, "resource.nick == null", "null"),
    ("resource.title == '\\x00'", ProblemKind::Type, "'\\x00'", "U+0000"),
    ("size(resource.stock) == 1", ProblemKind::Type, "resource.stock", "size()"),
    ("foo(resource.title)", ProblemKind::Unsupported, "foo(resource.title)", "foo()"),
    ("'x' in resource.title", ProblemKind::Type, "resource.title", "`in` needs"),
    ("1 in resource.tags", ProblemKind::Type, "1 in resource.tags", "cannot be compared"),
    ("'x' in resource.lines", ProblemKind::Unsupported, "'x' in resource.lines", "not supported yet"),
    ("resource.shop == resource.name", ProblemKind::Type, "resource.shop == resource.name", "different types"),
    ("resource.etag < 'x'", ProblemKind::Type, "resource.etag < 'x'", "no order"),
    ("true ? 1 : 'x'", ProblemKind::Type, "true ? 1 : 'x'", "one type"),
    ("{'a': 1}.a == 1", ProblemKind::Unsupported, "{'a': 1}", "map literal"),
    ("resource.stock + 1", ProblemKind::Type, "resource.stock + 1", "must be true or false"),
    ("-resource.stock", ProblemKind::Type, "-resource.stock", "must be true or false"),
    ("!resource.title", ProblemKind::Type, "resource.title", "must be true or false"),
    ("resource.stock == 18446744073709551615u", ProblemKind::Type, "18446744073709551615u", "9223372036854775807"),
];

#[test]
fn what_a_rule_refuses_is_underlined() {
    for (source, kind, covered, message) in REFUSED {
        let problems = compile_rule(source, &scope()).expect_err(source);
        let problem = &problems[0];
        assert_eq!(problem.kind, *kind, "{source}: {problem}");
        assert!(problem.message.contains(message), "{source}: {problem}");
        if problem.kind != ProblemKind::Syntax {
            assert_eq!(&source[problem.span.clone()], *covered, "{source}: {problem}");
        }
    }
}

#[test]
fn a_place_counts_bytes_behind_characters_of_any_width() {
    let source = "'🍵ß' == resource.title && resource.colour == 'x'";
    let problems = compile_rule(source, &scope()).expect_err(source);
    assert_eq!(&source[problems[0].span.clone()], "colour");
    assert_eq!(problems[0].column(source), source.chars().position(|c| c == '&').unwrap() + 4 + "resource.".len());
}

#[test]
fn all_problems_of_a_rule_are_reported() {
    let problems = compile_rule("resource.a == 1 && (resource.b == 2 || auth.kind == 1)", &scope()).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn what_is_not_in_scope_cannot_be_named() {
    let scope = RuleScope { resource: Some(item()), ..RuleScope::default() };
    let problems = compile_rule("old.stock == 1", &scope).unwrap_err();
    assert_eq!(problems[0].kind, ProblemKind::UnknownName);
    assert!(problems[0].help.as_deref().unwrap_or_default().contains("resource"), "{:?}", problems[0]);
}

#[test]
fn a_rule_beyond_the_limits_is_refused_without_being_parsed() {
    let sources = [
        "true || ".repeat(MAX_RULE_BYTES / 8) + "true",
        "(".repeat(100_000) + "true" + &")".repeat(100_000),
        "(".repeat(MAX_RULE_DEPTH + 1) + "true" + &")".repeat(MAX_RULE_DEPTH + 1),
        "-".repeat(MAX_RULE_PUNCTUATION + 1) + "1",
        format!("resource{} == 1", ".a".repeat(MAX_RULE_DEPTH + 1)),
        format!("1{} == 1", " + 1".repeat(MAX_RULE_PUNCTUATION - 2)),
    ];
    for source in sources {
        let problems = compile_rule(&source, &scope()).unwrap_err();
        assert_eq!(problems[0].kind, ProblemKind::Limit, "{}", &source[..20]);
    }
    let widest = "true || ".repeat(MAX_RULE_PUNCTUATION / 2) + "true";
    compile_rule(&widest, &scope()).unwrap();
}

#[test]
fn defaults_have_the_type_of_their_field() {
    let caller = Scope { auth: AuthView { uid: Some("u1"), ..AuthView::default() }, now: NOW, ..Scope::default() };
    let cases = [
        ("auth.uid", Type::Text, Value::Text("u1".into())),
        ("'users/' + auth.uid", Type::Text, Value::Text("users/u1".into())),
        ("now", Type::Timestamp, Value::Timestamp(NOW)),
        ("now + duration('1s')", Type::Timestamp, Value::Timestamp(NOW + 1_000_000)),
        ("3", Type::Int, Value::Int(3)),
        ("3", Type::Double, Value::Double(3.0)),
        ("-0.0", Type::Double, Value::Double(0.0)),
        ("0.1", Type::Float, Value::Double(f64::from(0.1_f32))),
        ("1", Type::Float, Value::Double(1.0)),
        ("true", Type::Bool, Value::Bool(true)),
        ("State.CART", Type::Enum(state()), Value::Int(1)),
        ("duration('90s')", Type::Duration, Value::Int(90_000_000)),
    ];
    for (source, ty, expected) in cases {
        let program = compile_default(source, &ty).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        assert_eq!(evaluate_value(&program.root, &caller), expected, "{source}");
    }
    let nobody = Scope { now: NOW, ..Scope::default() };
    let program = compile_default("auth.uid", &Type::Text).unwrap();
    assert_eq!(evaluate_value(&program.root, &nobody), Value::Null);
    for (source, ty) in
        [("auth.uid", Type::Int), ("1", Type::Text), ("auth.roles", Type::Text), ("resource.x", Type::Text)]
    {
        assert!(compile_default(source, &ty).is_err(), "{source}");
    }
}

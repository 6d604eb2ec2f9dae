//! S10: two worlds that differ only in what the caller may not read answer every request alike, to the byte.

use mainstay_fault::{Fault, Reason};
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::relations::{list, market, method};
use crate::support::{Caller, Fixture, on_the_wire};

/// The same contract twice, with rows of which the hidden ones differ.
pub struct Worlds {
    pub one: Fixture,
    pub other: Fixture,
}

/// A row, as a message is made with: its message, what it lies below, its id.
pub type Place<'r> = (&'r str, &'r str, &'r str);

/// What a client sees of an answer: the message, or the fault as it leaves.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Answer(Json),
    Fault((tonic::Code, String, Vec<u8>)),
}

/// How often a call is made that another one was faster than. PostgreSQL keeps what transactions have read for all its databases
/// together: where other tests have it keep much, it takes two for conflicting that are not.
const TRIES: usize = 10;

async fn seen(caller: &Caller<'_>, method: &str, request: &Json) -> Seen {
    let mut answer = caller.call(method, request.clone()).await;
    for _ in 1..TRIES {
        if answer.as_ref().err().and_then(Fault::reason) != Some(Reason::Conflict) {
            break;
        }
        answer = caller.call(method, request.clone()).await;
    }
    match answer {
        Ok(mut answer) => {
            make_alike(&mut answer);
            Seen::Answer(answer)
        }
        Err(fault) => {
            let (code, text, mut details) = on_the_wire(fault);
            let text = made_alike(&text);
            blank_uuids(&mut details);
            // The entries of a map come in any order, whatever the world.
            details.sort_unstable();
            Seen::Fault((code, text, details))
        }
    }
}

/// What the server makes anew each time, in the whole message: ids, times and versions.
fn make_alike(message: &mut Json) {
    match message {
        Json::Object(fields) => {
            for (field, value) in fields {
                match field.as_str() {
                    "etag" | "create_time" | "update_time" | "delete_time" => *value = json!("made"),
                    _ => make_alike(value),
                }
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(make_alike),
        Json::String(text) => *text = made_alike(text),
        _ => {}
    }
}

fn made_alike(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    blank_uuids(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// Writes zeros over every UUID.
fn blank_uuids(bytes: &mut [u8]) {
    const LENGTH: usize = 36;
    let is_part = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    for start in 0..(bytes.len() + 1).saturating_sub(LENGTH) {
        let window = &mut bytes[start..start + LENGTH];
        if window.iter().enumerate().all(is_part) {
            window.fill(b'0');
        }
    }
}

/// A list to its end. Tokens are sealed anew each time; where they lead is compared.
pub async fn walked(caller: &Caller<'_>, method: &str, request: &Json) -> Vec<Seen> {
    let (mut request, mut pages) = (request.clone(), Vec::new());
    loop {
        let mut page = seen(caller, method, &request).await;
        let Seen::Answer(Json::Object(fields)) = &mut page else { return vec![page] };
        let token = fields.remove("next_page_token");
        pages.push(page);
        match token {
            Some(token) => request["page_token"] = token,
            None => return pages,
        }
    }
}

impl Worlds {
    pub async fn of(engine: Engine, contract: &str, rows: &[(Place<'_>, Json, Json)]) -> Worlds {
        let (one, other) = (Fixture::start(engine, contract).await, Fixture::start(engine, contract).await);
        for ((message, parent, id), in_one, in_other) in rows {
            for (world, body) in [(&one, in_one), (&other, in_other)].into_iter().filter(|(_, body)| !body.is_null()) {
                let field = message.to_lowercase();
                let request = json!({"parent": parent, format!("{field}_id"): id, field: body});
                world.system().ok(&method("Create", message), request).await;
            }
        }
        Worlds { one, other }
    }

    /// Asks both; a signed-in stranger and nobody, each of whom sees the same in either.
    pub async fn agree(&self, method: &str, request: Json) {
        for [one, other] in
            [[self.one.anonymous(), self.other.anonymous()], [self.one.user("dora", &[]), self.other.user("dora", &[])]]
        {
            let (first, second) = (walked(&one, method, &request).await, walked(&other, method, &request).await);
            assert_eq!(first, second, "{method} {request}");
        }
    }
}

/// `dark` is hidden in both worlds and differs in every field; `extra` is there in one of them.
async fn markets(engine: Engine) -> Worlds {
    let open = json!({"owner": "ann", "open": true, "region_code": "north", "tags": ["a"]});
    let dark =
        json!({"owner": "ben", "region_code": "south", "branch_of": "stores/main", "motto": "hush", "tags": ["a"]});
    let bright = json!({"owner": "eve", "region_code": "north", "tags": ["b", "c"]});
    let same = |body: Json| (body.clone(), body);
    let product = |store: &str| json!({"category": "kitchen", "store": store, "shipping": {"depot": store, "days": 2}});
    let rows = [
        ("Store", "main", same(open)),
        ("Store", "dark", (dark, bright)),
        ("Store", "extra", (json!({"owner": "ben", "region_code": "north"}), Json::Null)),
        ("Product", "cup", same(product("stores/main"))),
        ("Product", "pot", same(product("stores/dark"))),
        ("Product", "book", same(json!({"category": "paper"}))),
        ("Order", "o1", same(json!({"buyer": "dora", "product": "products/cup", "quantity": 1}))),
        ("Order", "o2", same(json!({"buyer": "dora", "product": "products/pot", "quantity": 2}))),
        ("Order", "o3", same(json!({"buyer": "dora", "product": "products/book"}))),
        (
            "Order",
            "o4",
            (json!({"buyer": "x", "product": "products/pot"}), json!({"buyer": "y", "product": "products/cup"})),
        ),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(message, id, (one, other))| ((message, "", id), one, other)).collect();
    Worlds::of(engine, &market(), &rows).await
}

/// Conditions on a store, whose fields have these paths.
fn conditions(path: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (field, values) in [
        ("region_code", vec!["north", "south", "\"*\"", "\"n*\"", "none"]),
        ("owner", vec!["ben", "eve"]),
        ("motto", vec!["hush", "null", "\"*\""]),
        ("name", vec!["\"stores/dark\"", "\"stores/none\"", "x"]),
        ("branch_of", vec!["\"stores/main\"", "null"]),
        ("branch_of.region_code", vec!["north"]),
        ("branch_of.tags", vec![]),
        ("open", vec!["true", "false"]),
    ] {
        all.push(format!("{path}.{field}:*"));
        for value in values {
            all.extend(["=", "!="].map(|sign| format!("{path}.{field} {sign} {value}")));
        }
    }
    all.extend(["a", "b", "x"].map(|tag| format!("{path}.tags:{tag}")));
    all.extend([">", "<="].map(|sign| format!("{path}.region_code {sign} o")));
    let negated: Vec<String> = all.iter().map(|condition| format!("NOT {condition}")).collect();
    all.into_iter().chain(negated).collect()
}

both_engines! {
    async fn a_filter_over_references_tells_nothing_of_a_row_that_is_hidden(engine: Engine) {
        let worlds = markets(engine).await;
        for condition in conditions("store").into_iter().chain(conditions("shipping.depot")) {
            worlds.agree(&list("Product"), json!({"filter": condition})).await;
            worlds.agree(&list("Product"), json!({"filter": format!("{condition} OR category = paper"), "page_size": 1})).await;
        }
        for condition in conditions("product.store") {
            worlds.agree(&list("Order"), json!({"filter": condition, "order_by": "quantity desc"})).await;
        }
    }

    async fn no_other_request_tells_of_it_either(engine: Engine) {
        let worlds = markets(engine).await;
        let every = ["main", "dark", "extra", "none"];
        for store in every {
            let name = format!("stores/{store}");
            worlds.agree(&method("Get", "Store"), json!({"name": name})).await;
            worlds.agree(&method("Delete", "Store"), json!({"name": name})).await;
            worlds.agree(&method("Delete", "Store"), json!({"name": name, "allow_missing": true})).await;
            worlds.agree(&method("Update", "Store"), json!({"store": {"name": name, "motto": "m"}})).await;
            // Whether a name is taken is told by making it, to whoever may make one (AIP-133).
            if store != "extra" {
                let upsert = json!({"store": {"name": name, "owner": "dora"}, "allow_missing": true});
                worlds.agree(&method("Update", "Store"), upsert).await;
            }
            let product = json!({"product": {"store": name, "shipping": {"depot": name}}, "product_id": "new"});
            worlds.agree(&method("Create", "Product"), product).await;
            let order = json!({"order": {"buyer": "dora", "product": "products/pot"}, "validate_only": true});
            worlds.agree(&method("Create", "Order"), order).await;
        }
        // A store of one's own may refer to what one may read, and to nothing else.
        for store in every {
            let own = json!({"store": {"owner": "dora", "branch_of": format!("stores/{store}")}, "validate_only": true, "store_id": "own"});
            worlds.agree(&method("Create", "Store"), own).await;
        }
        for order_by in ["", "region_code", "region_code desc, owner", "motto", "store.region_code"] {
            worlds.agree(&list("Store"), json!({"order_by": order_by, "page_size": 1})).await;
            worlds.agree(&list("Product"), json!({"order_by": order_by, "page_size": 1})).await;
        }
        worlds.agree(&list("Order"), json!({"page_size": 1})).await;
        worlds.agree(&list("Line"), json!({"parent": "orders/o4"})).await;
    }
}

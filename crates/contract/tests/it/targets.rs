//! The rules of five applications as their teams want to write them: a shop, a ledger, people, notes, a social network. Each
//! rule stands on a line of its own, so that a diagnostic tells which one does not compile.
//!
//! Guards and access rules of transitions stand as predicates: they are rules over `resource`. What a rule waits for is left out
//! of it here, and stands in [`WAITING`] as it is meant.

use mainstay_contract::{Diagnostics, Severity, Source, compile};

/// Rules that need what is not built yet, and what that is.
const WAITING: [(&str, &str); 0] = [];

fn resource(message: &str, pattern: &str, fields: &str, rules: &[(&str, &str)]) -> String {
    let mut access = String::new();
    let mut predicates = String::new();
    for (name, rule) in rules {
        match *name {
            "read" | "create" | "update" | "delete" | "write" | "refer" => {
                access += &format!("      {name}: \"{rule}\"\n");
            }
            name => predicates += &format!("    predicate {{name: \"{name}\" rule:\n\"{rule}\"\n}}\n"),
        }
    }
    format!(
        "message {message} {{\n  option (google.api.resource) = {{type: \"t.example.com/{message}\" pattern: \"{pattern}\"}};\n  \
         option (mainstay.v1.resource) = {{\n    access {{\n{access}    }}\n{predicates}  }};\n  string name = 1;\n{fields}\n}}\n"
    )
}

fn reference(name: &str, number: u32, to: &str) -> String {
    format!("  string {name} = {number} [(google.api.resource_reference).type = \"t.example.com/{to}\"];\n")
}

fn compiled(package: &str, body: &str) -> Vec<String> {
    let text = format!(
        "syntax = \"proto3\";\npackage {package};\nimport \"google/api/resource.proto\";\nimport \
         \"google/protobuf/timestamp.proto\";\nimport \"google/type/date.proto\";\nimport \"google/type/money.proto\";\n\
         import \"mainstay/v1/options.proto\";\n{body}"
    );
    let path = format!("{}/test.proto", package.replace('.', "/"));
    match compile(vec![Source { path, text }]) {
        Ok(_) => Vec::new(),
        Err(problems) => refused(&problems),
    }
}

fn refused(problems: &Diagnostics) -> Vec<String> {
    let errors = problems.0.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(ToString::to_string).collect()
}

#[expect(clippy::too_many_lines, reason = "a table of rules")]
fn shop() -> (usize, String) {
    let states = |list: &str| format!("  enum State {{ STATE_UNSPECIFIED = 0; {list} }}\n  State state = 20;\n");
    let product =
        [("read", "resource.state == State.LISTED || 'merchant' in auth.roles"), ("write", "'merchant' in auth.roles")];
    let variant = [
        ("read", "product.state == Product.State.LISTED || 'merchant' in auth.roles"),
        ("write", "'merchant' in auth.roles"),
    ];
    let coupon = [
        ("read", "'merchant' in auth.roles"),
        ("write", "'merchant' in auth.roles"),
        ("refer", "resource.end_time > now"),
    ];
    let order = [
        (
            "read",
            "resource.buyer == auth.uid || 'support' in auth.roles || ('warehouse' in auth.roles && resource.state in [State.PAID, State.SHIPPED])",
        ),
        ("create", "resource.buyer == auth.uid"),
        ("update", "old.buyer == auth.uid && old.state == State.CART"),
        ("delete", "resource.buyer == auth.uid && resource.state == State.CART"),
        ("index_where", "resource.state == State.CART"),
        ("place_access", "resource.buyer == auth.uid"),
        (
            "place_guard",
            "size(resource.lines) > 0 && resource.lines.all(l, l.variant.product.state == Product.State.LISTED)",
        ),
        ("pay_access", "false"),
        ("cancel_access", "resource.buyer == auth.uid || 'support' in auth.roles"),
        ("ship_access", "'warehouse' in auth.roles"),
        ("refund_access", "'support' in auth.roles"),
    ];
    let payment = [
        ("read", "order.buyer == auth.uid || 'support' in auth.roles"),
        ("create", "'payments' in auth.roles"),
        ("update", "false"),
        ("delete", "false"),
    ];
    let review = [
        ("read", "true"),
        (
            "create",
            "resource.author == auth.uid && Order.exists(o, o.buyer == auth.uid && o.state == Order.State.SHIPPED && o.lines.exists(l, l.variant.product.name == product.name))",
        ),
        ("update", "old.author == auth.uid"),
        ("delete", "resource.author == auth.uid || 'support' in auth.roles"),
    ];
    let body = [
        resource("Category", "categories/{category}", "", &[("read", "true"), ("write", "'merchant' in auth.roles")]),
        resource("Product", "products/{product}", &states("DRAFT = 1; LISTED = 2;"), &product),
        resource("Variant", "products/{product}/variants/{variant}", "", &variant),
        resource("Coupon", "coupons/{coupon}", "  google.protobuf.Timestamp end_time = 5;", &coupon),
        resource(
            "Order",
            "orders/{order}",
            &format!(
                "  string buyer = 2;\n  repeated Line lines = 3;\n  message Line {{ string variant = 1 [(google.api.resource_reference).type = \"t.example.com/Variant\"]; int32 quantity = 2; }}\n{}",
                states("CART = 1; PLACED = 2; PAID = 3; SHIPPED = 4;")
            ),
            &order,
        ),
        resource("Payment", "orders/{order}/payments/{payment}", "", &payment),
        resource("Review", "products/{product}/reviews/{review}", "  string author = 2;", &review),
    ];
    let rules = 2 + product.len() + variant.len() + coupon.len() + order.len() + payment.len() + review.len();
    (rules, body.concat())
}

fn ledger() -> (usize, String) {
    let account = [
        ("read", "resource.owner == auth.uid || 'auditor' in auth.roles"),
        ("refer", "auth.uid != null"),
        ("create", "(resource.owner == auth.uid && resource.kind == Kind.CUSTOMER) || 'controller' in auth.roles"),
        ("update", "'controller' in auth.roles"),
        ("delete", "false"),
        ("iban_read", "resource.owner == auth.uid || 'auditor' in auth.roles"),
    ];
    let transaction = [
        ("read", "resource.postings.exists(p, p.account.owner == auth.uid) || 'auditor' in auth.roles"),
        (
            "create",
            "resource.postings.all(p, p.amount > 0 || p.account.owner == auth.uid) || 'controller' in auth.roles",
        ),
        ("update", "false"),
        ("delete", "false"),
    ];
    let hold = [
        ("read", "resource.account.owner == auth.uid || 'merchant' in auth.roles"),
        ("create", "'merchant' in auth.roles"),
        ("update", "false"),
        ("delete", "false"),
        ("capture", "'merchant' in auth.roles"),
    ];
    let order = [
        ("read", "resource.maker == auth.uid || 'approver' in auth.roles || 'auditor' in auth.roles"),
        ("create", "resource.maker == auth.uid && resource.source.owner == auth.uid"),
        ("update", "old.maker == auth.uid && old.state == State.DRAFT"),
        ("delete", "resource.maker == auth.uid && resource.state == State.DRAFT"),
        ("submit", "resource.maker == auth.uid"),
        ("approve", "'approver' in auth.roles"),
        ("approve_guard", "resource.maker != auth.uid"),
    ];
    let body = [
        resource(
            "Account",
            "accounts/{account}",
            "  string owner = 2;\n  Kind kind = 3;\n  enum Kind { KIND_UNSPECIFIED = 0; CUSTOMER = 1; }",
            &account,
        ),
        resource(
            "Transaction",
            "transactions/{transaction}",
            "  repeated Posting postings = 3;\n  message Posting { string account = 1 [(google.api.resource_reference).type = \"t.example.com/Account\"]; int64 amount = 2; }",
            &transaction,
        ),
        resource("Hold", "holds/{hold}", &reference("account", 2, "Account"), &hold),
        resource(
            "PaymentOrder",
            "paymentOrders/{payment_order}",
            &format!(
                "{}  string maker = 2;\n  State state = 8;\n  enum State {{ STATE_UNSPECIFIED = 0; DRAFT = 1; }}",
                reference("source", 3, "Account")
            ),
            &order,
        ),
    ];
    (account.len() + transaction.len() + hold.len() + order.len(), body.concat())
}

#[expect(clippy::too_many_lines, reason = "a table of rules")]
fn people() -> (usize, String) {
    let employee = [
        ("read", "auth.uid != null"),
        ("create", "'hr' in auth.roles"),
        ("update", "'hr' in auth.roles || old.is_me"),
        ("delete", "'hr' in auth.roles"),
        ("is_me", "resource.account == auth.uid"),
        ("is_mine", "resource.manager.is_me || resource.manager.is_mine"),
        (
            "is_my_report",
            "resource.manager.is_me || resource.manager.delegations.exists(d, d.delegate.is_me && d.start_time <= now && now < d.end_time)",
        ),
        ("tax_id_read", "'hr' in auth.roles || resource.is_me"),
    ];
    let assignment = [
        ("read", "'hr' in auth.roles || employee.is_me"),
        ("create", "'hr' in auth.roles"),
        ("update", "false"),
        ("delete", "'hr' in auth.roles && resource.planned"),
    ];
    let salary = [("read", "'hr' in auth.roles || employee.is_me"), ("write", "'hr' in auth.roles")];
    let delegation = [
        ("read", "employee.is_me || resource.delegate.is_me || 'hr' in auth.roles"),
        ("write", "employee.is_me || 'hr' in auth.roles"),
    ];
    let leave = [
        ("read", "employee.is_me || employee.is_my_report || 'hr' in auth.roles"),
        ("create", "employee.is_me"),
        ("update", "employee.is_me && old.state == State.REQUESTED"),
        ("delete", "employee.is_me && resource.state == State.REQUESTED"),
        ("overlap_where", "resource.state in [State.REQUESTED, State.ENDORSED, State.APPROVED]"),
        ("reason_read", "resource.employee.is_me || resource.employee.is_my_report || 'hr' in auth.roles"),
        ("approve_access", "employee.is_my_report && !employee.is_me"),
        ("approve_guard", "resource.days <= 5"),
        ("approve_long_access", "employee.manager.is_my_report && !employee.is_me"),
        ("approve_long_guard", "resource.endorser != auth.uid"),
        ("withdraw_access", "employee.is_me"),
        ("withdraw_guard", "resource.state != State.APPROVED || resource.start_date > date(now)"),
    ];
    let task = [
        ("read", "employee.is_me || 'hr' in auth.roles"),
        ("create", "'hr' in auth.roles"),
        ("update", "employee.is_me || 'hr' in auth.roles"),
        ("delete", "'hr' in auth.roles"),
    ];
    let notice = [
        ("read", "resource.account == auth.uid"),
        ("create", "false"),
        ("update", "false"),
        ("delete", "resource.account == auth.uid"),
    ];
    let opportunity = [
        ("read", "'sales' in auth.roles"),
        ("create", "'sales' in auth.roles"),
        ("update", "old.owner == auth.uid || 'sales-lead' in auth.roles"),
        ("delete", "'sales-lead' in auth.roles"),
        ("win_guard", "resource.amount.units > 0"),
    ];
    let body = [
        resource(
            "Employee",
            "employees/{employee}",
            "  string manager = 6 [(google.api.resource_reference).type = \"t.example.com/Employee\", (mainstay.v1.field).acyclic = true];\n  string account = 2;",
            &employee,
        ),
        resource("Assignment", "employees/{employee}/assignments/{assignment}", "  bool planned = 2;", &assignment),
        resource("Salary", "employees/{employee}/salaries/{salary}", "", &salary),
        resource(
            "Delegation",
            "employees/{employee}/delegations/{delegation}",
            &format!(
                "{}  google.protobuf.Timestamp start_time = 3;\n  google.protobuf.Timestamp end_time = 4;",
                reference("delegate", 2, "Employee")
            ),
            &delegation,
        ),
        resource(
            "LeaveRequest",
            "employees/{employee}/leaveRequests/{leave_request}",
            "  int32 days = 4;\n  string endorser = 7;\n  google.type.Date start_date = 2;\n  State state = 6;\n  enum State { STATE_UNSPECIFIED = 0; REQUESTED = 1; ENDORSED = 2; APPROVED = 3; }",
            &leave,
        ),
        resource("OnboardingTask", "employees/{employee}/onboardingTasks/{onboarding_task}", "", &task),
        resource("Notice", "notices/{notice}", "  string account = 2;", &notice),
        resource(
            "Opportunity",
            "opportunities/{opportunity}",
            "  string owner = 3;\n  google.type.Money amount = 4;",
            &opportunity,
        ),
    ];
    let rules = employee.len()
        + assignment.len()
        + salary.len()
        + delegation.len()
        + leave.len()
        + task.len()
        + notice.len()
        + opportunity.len();
    (rules, body.concat())
}

fn notes() -> (usize, String) {
    let note = [
        ("read", "resource.owner == auth.uid || resource.shares.exists(s, s.account == auth.uid)"),
        ("create", "resource.owner == auth.uid"),
        (
            "update",
            "old.owner == auth.uid || old.shares.exists(s, s.account == auth.uid && s.role == Share.Role.EDITOR)",
        ),
        ("delete", "resource.owner == auth.uid"),
    ];
    let share =
        [("read", "note.owner == auth.uid || resource.account == auth.uid"), ("write", "note.owner == auth.uid")];
    let body = [
        resource("Note", "notes/{note}", "  string owner = 2;", &note),
        resource(
            "Share",
            "notes/{note}/shares/{share}",
            "  string account = 2;\n  Role role = 3;\n  enum Role { ROLE_UNSPECIFIED = 0; EDITOR = 1; }",
            &share,
        ),
    ];
    (note.len() + share.len(), body.concat())
}

#[expect(clippy::too_many_lines, reason = "a table of rules")]
fn social() -> (usize, String) {
    let profile = [
        ("read", "!resource.hidden"),
        ("create", "resource.account == auth.uid"),
        ("update", "old.is_me"),
        ("delete", "resource.is_me"),
        ("is_me", "resource.account == auth.uid"),
        (
            "hidden",
            "auth.uid != null && Block.exists(b, (b.blocker == resource.account && b.blocked == auth.uid) || (b.blocker == auth.uid && b.blocked == resource.account))",
        ),
        (
            "followed",
            "Follow.exists(f, f.followee == resource.name && f.follower.is_me && f.state == Follow.State.ACCEPTED)",
        ),
        ("open", "!resource.hidden && (!resource.private || resource.is_me || resource.followed)"),
    ];
    let follow = [
        (
            "read",
            "resource.follower.is_me || resource.followee.is_me || (resource.state == State.ACCEPTED && resource.follower.open && resource.followee.open)",
        ),
        ("create", "resource.follower.is_me && !resource.followee.is_me && !resource.followee.hidden"),
        ("update", "false"),
        ("delete", "resource.follower.is_me || resource.followee.is_me"),
        ("accept_access", "resource.followee.is_me"),
        ("effect_if", "!resource.followee.private"),
    ];
    let block = [
        ("read", "resource.blocker == auth.uid"),
        ("create", "resource.blocker == auth.uid"),
        ("update", "false"),
        ("delete", "resource.blocker == auth.uid"),
    ];
    let post = [
        ("read", "resource.author.open && resource.removed == false"),
        ("create", "resource.author.is_me && (resource.in_reply_to == '' || resource.in_reply_to.author.open)"),
        ("update", "old.author.is_me"),
        ("delete", "resource.author.is_me"),
    ];
    let like = [
        ("read", "post.author.open"),
        ("create", "resource.account == auth.uid && post.author.open"),
        ("update", "false"),
        ("delete", "resource.account == auth.uid"),
    ];
    let conversation = [
        ("read", "resource.mine"),
        ("create", "auth.uid != null"),
        ("update", "old.mine"),
        ("delete", "false"),
        ("mine", "resource.participants.exists(p, p.account == auth.uid && !has(p.leave_time))"),
    ];
    let participant = [
        ("read", "conversation.mine || resource.account == auth.uid"),
        ("create", "conversation.mine"),
        ("update", "old.account == auth.uid"),
        ("delete", "false"),
    ];
    let message = [
        (
            "read",
            "conversation.participants.exists(p, p.account == auth.uid && (!has(p.leave_time) || p.leave_time > resource.create_time))",
        ),
        ("create", "conversation.mine && resource.sender == auth.uid"),
        ("update", "false"),
        ("delete", "resource.sender == auth.uid"),
    ];
    let report = [
        (
            "read",
            "resource.reporter == auth.uid || 'moderator' in auth.roles || (resource.post.author.is_me && resource.open == false)",
        ),
        ("create", "resource.reporter == auth.uid"),
        ("update", "false"),
        ("delete", "false"),
        ("uphold", "'moderator' in auth.roles && resource.reporter != auth.uid && !resource.post.author.is_me"),
        ("appeal", "resource.post.author.is_me"),
        ("reverse_guard", "resource.decider != auth.uid"),
    ];
    let profile_ref = |name, number| reference(name, number, "Profile");
    let body = [
        resource("Profile", "profiles/{profile}", "  string account = 2;\n  bool private = 5;", &profile),
        resource(
            "Follow",
            "follows/{follow}",
            &format!(
                "{}{}  State state = 4;\n  enum State {{ STATE_UNSPECIFIED = 0; ACCEPTED = 2; }}",
                profile_ref("follower", 2),
                profile_ref("followee", 3)
            ),
            &follow,
        ),
        resource("Block", "blocks/{block}", "  string blocker = 2;\n  string blocked = 3;", &block),
        resource(
            "Post",
            "posts/{post}",
            &format!("{}{}  bool removed = 9;", profile_ref("author", 2), reference("in_reply_to", 4, "Post")),
            &post,
        ),
        resource("Like", "posts/{post}/likes/{like}", "  string account = 2;", &like),
        resource("Conversation", "conversations/{conversation}", "  string title = 2;", &conversation),
        resource(
            "Participant",
            "conversations/{conversation}/participants/{participant}",
            "  string account = 2;\n  google.protobuf.Timestamp leave_time = 3;",
            &participant,
        ),
        resource(
            "Message",
            "conversations/{conversation}/messages/{message}",
            "  string sender = 2;\n  google.protobuf.Timestamp create_time = 4;",
            &message,
        ),
        resource(
            "Report",
            "reports/{report}",
            &format!("{}  string reporter = 2;\n  string decider = 5;\n  bool open = 6;", reference("post", 3, "Post")),
            &report,
        ),
    ];
    let rules = profile.len()
        + follow.len()
        + block.len()
        + post.len()
        + like.len()
        + conversation.len()
        + participant.len()
        + message.len()
        + report.len();
    (rules, body.concat())
}

#[test]
fn the_rules_of_five_applications_compile() {
    let targets = [
        ("shop.v1", shop()),
        ("ledger.v1", ledger()),
        ("people.v1", people()),
        ("notes.v1", notes()),
        ("social.v1", social()),
    ];
    let (mut all, mut problems) = (0, Vec::new());
    for (package, (rules, body)) in targets {
        all += rules;
        problems.extend(compiled(package, &body));
    }
    assert!(problems.is_empty(), "{} of {all} rules do not compile:\n{}", problems.len(), problems.join("\n"));
    assert!(all > 120, "{all}");
    let waiting: Vec<String> = WAITING.iter().map(|(rule, for_what)| format!("{rule} waits for {for_what}")).collect();
    assert!(waiting.len() * 100 <= (all + waiting.len()) * 3, "{all} compile, but\n{}", waiting.join("\n"));
}

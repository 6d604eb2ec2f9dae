//! What a text must match is said in RE2's dialect, whoever stores it.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::notes_with;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";

both_engines! {
    async fn classes_are_ascii_as_in_re2(engine: Engine) {
        let fields = r#"optional string digits = 2 [(buf.validate.field).string.pattern = "^\\d{2}$"];
            optional string word = 3 [(buf.validate.field).string.pattern = "^\\w+$"];
            repeated string spaces = 4 [(buf.validate.field).repeated.items.string.pattern = "^\\s$"];
            optional string set = 5 [(buf.validate.field).string.pattern = "^[a&&b]$"];
            optional string folded = 6 [(buf.validate.field).string.pattern = "(?i)^\\w$"];"#;
        let fixture = Fixture::start(engine, &notes_with("", fields)).await;
        let nobody = fixture.anonymous();
        for good in [
            json!({"digits": "12"}), json!({"word": "a_1"}), json!({"spaces": [" ", "\t"]}), json!({"set": "&"}), json!({"set": "a"}),
            json!({"folded": "\u{212a}"}),
        ] {
            nobody.ok(CREATE, json!({"note": good})).await;
        }
        for (bad, field) in [
            (json!({"digits": "١٢"}), "note.digits"),
            (json!({"word": "é"}), "note.word"),
            (json!({"spaces": [" ", "\u{a0}"]}), "note.spaces[1]"),
            (json!({"set": "c"}), "note.set"),
            (json!({"folded": "é"}), "note.folded"),
        ] {
            let refused = nobody.refused(CREATE, json!({"note": bad})).await;
            assert_eq!(refused, (Reason::FieldViolation, vec![field.to_owned()]));
        }
    }
}

//! Patterns are RE2's: by hand, and judged by RE2 itself.

mod patterns;

use std::io::Write as _;
use std::process::{Command, Stdio};

use mainstay_expr::re2::{MAX_PATTERN_BYTES, MAX_PATTERN_DEPTH, MAX_PATTERN_MEMORY_BYTES, Pattern};
use mainstay_testkit::tools::python_with;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use self::patterns::{PATTERNS, PROPERTIES};

/// The judge. Its version is pinned, so that the tests say the same tomorrow.
const JUDGE: &str = "google-re2==1.1.20251105";

/// Reads `[[pattern, [text, …]], …]` and answers for each pattern whether each text has a match, or null where it is none.
const SCRIPT: &str = r#"
import json, sys, re2
options = re2.Options()
options.log_errors = False
def judged(pattern, texts):
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return None
    return [compiled.search(text) is not None for text in texts]
json.dump([judged(pattern, texts) for pattern, texts in json.load(sys.stdin)], sys.stdout)
"#;

fn judged(cases: &[(String, Vec<String>)]) -> Vec<Option<Vec<bool>>> {
    let mut python = Command::new(python_with(JUDGE))
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let input = serde_json::to_vec(cases).expect("texts are JSON");
    python.stdin.take().expect("it reads").write_all(&input).expect("it reads all");
    let output = python.wait_with_output().expect("python ends");
    assert!(output.status.success(), "the judge failed");
    serde_json::from_slice(&output.stdout).expect("the judge answers in JSON")
}

/// Whether each text has a match, or null where the pattern is none.
fn ours(pattern: &str, texts: &[String]) -> Result<Vec<bool>, String> {
    let pattern = Pattern::new(pattern).map_err(|error| error.message)?;
    Ok(texts.iter().map(|text| pattern.matches(text)).collect())
}

/// Every disagreement. A pattern that only our limit of memory refuses is none.
fn differences(cases: &[(String, Vec<String>)]) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    let mut compared = 0;
    for ((pattern, texts), judged) in cases.iter().zip(judged(cases)) {
        match (ours(pattern, texts), judged) {
            (Err(message), _) if message.contains("compiles to too much") => {}
            (Err(_), None) => compared += 1,
            (Err(message), Some(_)) => found.push(format!("{pattern:?} is one of RE2, and is refused here: {message}")),
            (Ok(_), None) => found.push(format!("{pattern:?} is none of RE2, and is taken here")),
            (Ok(ours), Some(theirs)) => {
                compared += 1;
                for ((text, ours), theirs) in texts.iter().zip(ours).zip(theirs) {
                    if ours != theirs {
                        found.push(format!("{pattern:?} on {text:?}: {ours} here, {theirs} in RE2"));
                    }
                }
            }
        }
    }
    (compared, found)
}

fn agree(cases: &[(String, Vec<String>)]) -> usize {
    let (compared, found) = differences(cases);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found[..found.len().min(40)].join("\n"));
    compared
}

/// Texts that tell dialects apart: digits and letters of other scripts, cases that fold across alphabets, spaces,
/// ends of lines, what is outside of the basic plane.
const TEXTS: &[&str] = &[
    "", "a", "A", "b", "z", "k", "K", "\u{212a}", "s", "S", "ſ", "ß", "ẞ", "é", "É", "e\u{301}", "ñ", "Σ", "σ", "ς",
    "я", "Я", "٣", "3", "12", "१२", "_", "-", "–", " ", "\u{a0}", "\u{2003}", "\t", "\n", "\r\n", "\u{b}", "\u{c}",
    "\u{85}", "\u{2028}", "a\nb", "ab", "ba", "aab", "abc", "ABC", "a b", "a-b", "]", "[", "^", "$", "&", "~", "中文",
    "😀", "ǅ", "{2}", "\\",
];

fn texts() -> Vec<String> {
    let more =
        ["a\u{0}b", "\u{7f}", "K\u{e9}", "x{1", "aaaaaaaaaa", "İ", "ı", "\u{345}", "ͅ", "µ", "μ", "Å", "Å", "Ω", "Ω"];
    TEXTS.iter().chain(&more).map(|text| (*text).to_owned()).collect()
}

#[test]
fn patterns_written_by_hand_mean_what_they_mean_in_re2() {
    let texts = texts();
    let cases: Vec<_> = PATTERNS.iter().map(|pattern| ((*pattern).to_owned(), texts.clone())).collect();
    assert!(agree(&cases) > PATTERNS.len() - 20, "they are compared: few are beyond our limits");
}

const ATOMS: &[&str] = &[
    "a",
    "b",
    "K",
    "ſ",
    "é",
    "3",
    "٣",
    "-",
    "_",
    ".",
    "^",
    "$",
    "\\b",
    "\\B",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\A",
    "\\z",
    "\\pL",
    "\\PN",
    "\\p{Lu}",
    "\\p{^Greek}",
    "\\x41",
    "\\x{e9}",
    "\\101",
    "\\n",
    "\\.",
    "\\Qa.\\E",
    "[a-z]",
    "[^a]",
    "[a&&b]",
    "[\\d\\-z]",
    "[]a]",
    "[[:alpha:]]",
    "[^[:^word:]]",
    "[a-]",
    "\\C",
    "{",
    "}",
    "]",
    ",",
    "\\<",
    "&&",
    "~~",
    "\n",
];
const BREAKING: &[&str] = &[
    "(", ")", "[", "*", "+", "?", "{2}", "{0,3}", "{2,}", "|", "(?i)", "(?m)", "(?s", "(?x)", "\\", "\\1", "\\Z",
    "(?=", "(?P<a>",
];
const WRAPS: &[&str] = &[
    "(@)", "(?:@)", "(?i:@)", "(?s:@)", "(?m:@)", "(?-i:@)", "(?P<n>@)", "@*", "@+", "@?", "@*?", "@{2}", "@{0,2}",
    "@{1,}", "@|@", "(?:@|b)", "[@]", "[^@]",
];

/// Pieces that patterns are put together of, good and bad.
fn piece() -> impl Strategy<Value = String> {
    let atoms = prop::sample::select(ATOMS);
    let breaking = prop::sample::select(BREAKING);
    let wraps = prop::sample::select(WRAPS);
    let leaf = prop_oneof![12 => atoms.prop_map(str::to_owned), 1 => breaking.prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            (wraps.clone(), inner).prop_map(|(wrap, inner)| wrap.replace('@', &inner)),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec!["a", "b", "K", "k", "é", "3", "-", "_", "\n", " ", "."]).prop_map(str::to_owned),
    ];
    prop::collection::vec(one, 0..5).prop_map(|parts| parts.concat())
}

#[test]
fn generated_patterns_mean_what_they_mean_in_re2() {
    let mut runner = TestRunner::deterministic();
    let strategy = (piece(), prop::collection::vec(text(), 12));
    let cases: Vec<(String, Vec<String>)> =
        (0..4_000).map(|_| strategy.new_tree(&mut runner).expect("a case").current()).collect();
    let compared = agree(&cases);
    assert!(compared > 3_500, "{compared} are compared");
}

#[test]
fn characters_put_at_random_are_a_pattern_here_where_they_are_one_in_re2() {
    let mut runner = TestRunner::deterministic();
    let mark = prop::sample::select(r"()[]{}|*+?^$.\-,:&~<>=!#abizmsUPpLNdDwWQECx0123é".chars().collect::<Vec<_>>());
    let strategy = prop::collection::vec(mark, 1..9).prop_map(|marks| marks.into_iter().collect::<String>());
    let texts = texts();
    let cases: Vec<_> =
        (0..6_000).map(|_| (strategy.new_tree(&mut runner).expect("a case").current(), texts[..20].to_vec())).collect();
    agree(&cases);
}

#[test]
fn every_property_of_re2_is_known_here_and_means_the_same() {
    // What every version of Unicode in use has, of many scripts.
    let sample: Vec<String> = "aZ5_ -é\u{301}ßǅΩжא٣अกあア中한ᎠԱა😀€+^˚\u{ad}\u{200b}\u{2028}\u{e000}\u{fffd}ⅷ½ªʰ«»“(]‿"
        .chars()
        .map(|c| c.to_string())
        .collect();
    let cases: Vec<_> = PROPERTIES
        .iter()
        .flat_map(|name| {
            [
                format!(r"^\p{{{name}}}$"),
                format!(r"^\P{{{name}}}$"),
                format!(r"(?i)^[\p{{{name}}}]$"),
                format!(r"(?i)^[^\p{{{name}}}]$"),
            ]
        })
        .map(|pattern| (pattern, sample.clone()))
        .collect();
    agree(&cases);
}

#[test]
fn a_refusal_says_where_and_why() {
    for (pattern, marked, said) in [
        (r"^(?=a)", "(?=", "look-around"),
        (r"(a)\1", r"\1", "back-references"),
        (r"a\Z", r"\Z", "no escape"),
        (r"[\d--z]", "--z]", ""),
        (r"\p{Letter}x", r"\p{Letter}", "no property `Letter`"),
        (r"[[:foo:]]", "[:foo:]", "no class"),
        ("ab(cd", "(", "not closed"),
        ("ab)", ")", "no group to close"),
        ("[ab", "[ab", "not closed"),
        ("x[b-a]", "b-a", "ends before it begins"),
        ("a**", "*", "cannot be repeated"),
        ("a{2}++", "+", "cannot be repeated"),
        ("x|*", "*", "nothing to repeat"),
        ("a{1001}", "{1001}", "at most 1000 times"),
        ("(a{100}){11}", "{11}", "at most 1000 times"),
        ("a{3,2}", "{3,2}", "ends before it begins"),
        ("(?x)a", "(?x", "no such group"),
        (r"é\x{110000}", r"\x{110000", "no character"),
        (r"a\", r"\", "ends the pattern"),
        ("(?P<a-b>c)", "(?P<", "name"),
    ] {
        match Pattern::new(pattern) {
            Ok(_) => assert!(said.is_empty(), "{pattern} is taken"),
            Err(error) => {
                assert_eq!(&pattern[error.range.clone()], marked, "{pattern}: {error}");
                assert!(error.message.contains(said), "{pattern}: {error}");
            }
        }
    }
}

#[test]
fn limits_are_kept() {
    assert!(Pattern::new(&"a".repeat(MAX_PATTERN_BYTES)).is_ok());
    let long = Pattern::new(&"a".repeat(MAX_PATTERN_BYTES + 1)).expect_err("too long");
    assert!(long.message.contains("bytes long"), "{long}");
    let large = Pattern::new(r"(\pL{100}){10}").expect_err("more than can be kept");
    assert!(large.message.contains("compiles to too much"), "{large} beyond {MAX_PATTERN_MEMORY_BYTES}");
    for (open, close) in [("(", ")"), ("(b|", ")*"), ("(?i:[b]|", "|c){0,2}"), ("(?P<n>a*", ")+")] {
        let nested = |depth: usize| format!("{}a{}", open.repeat(depth), close.repeat(depth));
        match Pattern::new(&nested(MAX_PATTERN_DEPTH)) {
            Ok(pattern) => assert!(pattern.matches("a"), "{open}"),
            Err(error) => assert!(error.message.contains("at most 1000 times"), "{open}: {error}"),
        }
        let error = Pattern::new(&nested(MAX_PATTERN_DEPTH + 1)).expect_err("too deep");
        assert!(error.message.contains("more than 50 deep"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(pattern in "\\PC{0,60}", text in "\\PC{0,20}") {
        if let Ok(pattern) = Pattern::new(&pattern) {
            pattern.matches(&text);
        }
    }

    #[test]
    fn no_marks_make_it_panic(pattern in r"[()\[\]{}|*+?^$.\\a-dpPQEx0-9:<>=!,-]{0,40}") {
        let _ = Pattern::new(&pattern).map(|pattern| pattern.matches("abc"));
    }
}

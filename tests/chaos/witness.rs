//! Clients that write and read all the time, and know what each write was answered: whatever happens to the servers, what was
//! acknowledged is there, nothing is half there, and nobody reads what cannot be.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http::Method;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::wait::{PATIENCE, PAUSE};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

const CLIENTS: usize = 12;

/// How often a pair of notes is written before a client begins another.
const VERSIONS: u64 = 4;

/// Who has no answer for so long gives up.
const GIVES_UP: Duration = Duration::from_secs(15);

/// The note with this id in one of its versions: every field follows from them.
fn note(id: &str, version: u64) -> Value {
    let title = format!("{version} of {id}");
    json!({"title_0": title, "body": format!("{id} {version} ").repeat(20), "weight": version})
}

/// Whether it is a note of these clients. Their ids come before those of others.
fn is_ours(id: &str) -> bool {
    id.starts_with('c')
}

/// The version of a note that is whole.
fn version_of(note: &Value) -> Option<(String, u64)> {
    let id = note["name"].as_str()?.strip_prefix("notes/")?.to_owned();
    let version = note["weight"].as_u64()?;
    let whole = note["title0"] == format!("{version} of {id}") && note["body"] == format!("{id} {version} ").repeat(20);
    whole.then_some((id, version))
}

/// What is known of a pair of notes that one commit writes. Who is not told what became of a write writes the pair no more.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    /// The version that was acknowledged last; 0 for none.
    acknowledged: u64,
    /// The version that was sent last.
    sent: u64,
}

impl Pair {
    fn may_be(self, version: u64) -> bool {
        version == self.acknowledged || version == self.sent
    }
}

#[derive(Debug, Default)]
struct Known {
    pairs: Mutex<BTreeMap<String, Pair>>,
    acknowledged: AtomicU64,
    wrong: Mutex<Vec<String>>,
    refused: Mutex<BTreeMap<String, u64>>,
    stop: AtomicBool,
    /// Grows with each question whether all goes well; each client says with which it last did.
    asked: AtomicU64,
    well: Vec<AtomicU64>,
    /// How long each answer took since somebody asked for that.
    times: Mutex<Vec<Duration>>,
}

/// What the clients found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub acknowledged: u64,
    pub lost: Vec<String>,
    pub half: Vec<String>,
    pub wrong: Vec<String>,
    /// What else was answered, and how often.
    pub refused: String,
}

/// The clients. They end with this value.
#[derive(Debug)]
pub struct Witness {
    http: Http,
    known: Arc<Known>,
    clients: JoinSet<()>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no client panicked with the lock")
}

impl Witness {
    /// Sends the clients.
    pub fn of(http: &Http) -> Witness {
        let known = Known { well: (0..CLIENTS).map(|_| AtomicU64::new(0)).collect(), ..Known::default() };
        let mut witness = Witness { http: http.clone(), known: Arc::new(known), clients: JoinSet::new() };
        for number in 0..CLIENTS {
            let client = Client { number, http: http.clone(), known: Arc::clone(&witness.known) };
            witness.clients.spawn(client.works());
        }
        witness
    }

    /// Waits until each client has written and read from now on. Returns how long that took.
    pub async fn goes_well(&self) -> Duration {
        let (since, question) = (Instant::now(), self.known.asked.fetch_add(1, Ordering::SeqCst) + 1);
        while self.known.well.iter().any(|well| well.load(Ordering::SeqCst) < question) {
            let waited = since.elapsed();
            assert!(waited < PATIENCE, "not every client is served: {:?}, {:?}", self.found(), held(&self.known.wrong));
            tokio::time::sleep(PAUSE).await;
        }
        since.elapsed()
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.known.acknowledged.load(Ordering::SeqCst)
    }

    /// The time within which 99 of 100 answers came, since this was asked the last time.
    pub fn p99(&self) -> Duration {
        let mut times = std::mem::take(&mut *held(&self.known.times));
        times.sort();
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    }

    fn found(&self) -> Found {
        let mut refused = String::new();
        for (what, count) in held(&self.known.refused).iter() {
            let separator = if refused.is_empty() { "" } else { ", " };
            let _ = write!(refused, "{separator}{what} × {count}");
        }
        let wrong = held(&self.known.wrong).clone();
        Found { acknowledged: self.acknowledged(), wrong, refused, ..Found::default() }
    }

    /// Ends the clients and compares what is stored with what they were told.
    pub async fn ends(mut self) -> Found {
        self.known.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client does not panic");
        }
        let mut found = self.found();
        let stored = crate::support::notes::all(&self.http).await;
        let pairs = held(&self.known.pairs).clone();
        for (id, pair) in &pairs {
            let versions = [format!("{id}-a"), format!("{id}-b")]
                .map(|id| stored.get(&id).map_or(Some(0), |note| version_of(note).map(|(_, version)| version)));
            match versions {
                [Some(a), Some(b)] if a == b && pair.may_be(a) => {}
                [Some(a), Some(b)] if a == b => found.lost.push(format!("{id}: {pair:?}, and {a} is stored")),
                _ => found.half.push(format!("{id}: {pair:?}, and {versions:?} are stored")),
            }
        }
        let strange =
            |id: &&String| is_ours(id) && !pairs.contains_key(id.trim_end_matches(['a', 'b']).trim_end_matches('-'));
        found.wrong.extend(stored.keys().filter(strange).map(|id| format!("{id} was written by nobody")));
        found
    }
}

struct Client {
    number: usize,
    http: Http,
    known: Arc<Known>,
}

impl Client {
    async fn works(self) {
        for count in 0.. {
            let id = format!("c{:02}-{count:05}", self.number);
            for version in 1..=VERSIONS {
                if self.known.stop.load(Ordering::SeqCst) {
                    return;
                }
                let question = self.known.asked.load(Ordering::SeqCst);
                let written = self.writes(&id, version).await;
                let read = self.reads(&id).await;
                if written && read && (version != 2 || self.lists().await) {
                    self.known.well[self.number].fetch_max(question, Ordering::SeqCst);
                } else {
                    tokio::time::sleep(PAUSE).await;
                }
                if !written {
                    break;
                }
            }
        }
    }

    /// Writes both notes of a pair in one commit.
    async fn writes(&self, id: &str, version: u64) -> bool {
        held(&self.known.pairs).entry(id.to_owned()).or_default().sent = version;
        let writes = ["a", "b"].map(|half| {
            let id = format!("{id}-{half}");
            let mut note = note(&id, version);
            if version == 1 {
                return json!({"createNote": {"noteId": id, "note": note}});
            }
            note["name"] = json!(format!("notes/{id}"));
            json!({"updateNote": {"note": note}})
        });
        let Some(answer) = self.asks(Method::POST, "/notes/v1:commit", Some(json!({"writes": writes}))).await else {
            return false;
        };
        if answer.status != 200 {
            self.is_wrong(&format!("{id} {version}"), &answer);
            return false;
        }
        held(&self.known.pairs).entry(id.to_owned()).or_default().acknowledged = version;
        self.known.acknowledged.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Reads one's own note, which nobody else writes.
    async fn reads(&self, id: &str) -> bool {
        let pair = held(&self.known.pairs).get(id).copied().unwrap_or_default();
        let Some(answer) = self.asks(Method::GET, &format!("/notes/v1/notes/{id}-a"), None).await else { return false };
        let version = match answer.status {
            404 => Some(0),
            200 => version_of(&answer.json()).map(|(_, version)| version),
            _ => None,
        };
        match version.filter(|version| pair.may_be(*version)) {
            // What was read is as good as acknowledged.
            Some(version) => held(&self.known.pairs).entry(id.to_owned()).or_default().acknowledged = version,
            None => self.is_wrong(&format!("{id}: {pair:?}"), &answer),
        }
        true
    }

    /// Lists the beginning of all: a pair is in it as one commit has left it, and nothing is missing that was acknowledged.
    async fn lists(&self) -> bool {
        let before = held(&self.known.pairs).clone();
        let Some(answer) = self.asks(Method::GET, "/notes/v1/notes?pageSize=100", None).await else { return false };
        let page = if answer.status == 200 { answer.json() } else { Value::Null };
        let notes = page["notes"].as_array();
        let ours =
            notes.into_iter().flatten().filter(|note| note["name"].as_str().is_some_and(|name| is_ours(&name[6..])));
        let listed: Option<BTreeMap<String, u64>> = ours.map(version_of).collect();
        let Some(listed) = listed.filter(|_| answer.status == 200) else {
            self.is_wrong("a list", &answer);
            return true;
        };
        let is_all = page["nextPageToken"].as_str().unwrap_or_default().is_empty();
        let last = listed.keys().next_back().cloned().unwrap_or_default();
        for (id, pair) in before.iter().filter(|(id, _)| is_all || format!("{id}-b") <= last) {
            let [a, b] = ["a", "b"].map(|half| listed.get(&format!("{id}-{half}")).copied().unwrap_or(0));
            if a != b || a < pair.acknowledged {
                held(&self.known.wrong).push(format!("a list has {a} and {b} of {id}, of which was known {pair:?}"));
            }
        }
        true
    }

    /// Sends a request. Nothing comes of it where the server is away, or says that it can do nothing now.
    async fn asks(&self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        let began = Instant::now();
        let what = match timeout(GIVES_UP, self.http.send(method, path, body.as_ref())).await {
            Ok(Ok(answer)) if matches!(answer.status, 429 | 503 | 504) => {
                format!("{} {}", answer.status, answer.word())
            }
            // What ran against others until its time was over.
            Ok(Ok(answer)) if answer.word() == "ABORTED" => format!("{} ABORTED", answer.status),
            Ok(Ok(answer)) => {
                held(&self.known.times).push(began.elapsed());
                return Some(answer);
            }
            Ok(Err(_)) => "no answer".to_owned(),
            Err(_) => format!("no answer in {} s", GIVES_UP.as_secs()),
        };
        *held(&self.known.refused).entry(what).or_default() += 1;
        None
    }

    fn is_wrong(&self, what: &str, answer: &Answer) {
        held(&self.known.wrong).push(format!("{what}: {} {}", answer.status, answer.text()));
    }
}

//! A running data service and callers who speak JSON to it. The bytes in between are made by prost-reflect, so that the
//! service's own plans are checked by somebody else's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mainstay_data::{Config, Data, Environment, FolderOutcome, Options, StartError};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Clock, Principal, User};
use mainstay_runtime::Jobs;
use mainstay_runtime::channel::Call;
use mainstay_telemetry::Telemetry;
use mainstay_testkit::Engine;
use mainstay_testkit::database::{Place, place};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, SerializeOptions};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A clock that tests move. It goes on by a microsecond at each look, as real ones do.
pub struct FakeClock(AtomicI64);

impl FakeClock {
    pub fn new() -> Arc<FakeClock> {
        Arc::new(FakeClock(AtomicI64::new(1_700_000_000_000_000)))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for FakeClock {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A data service, the folder that its contract is in, and the place of its store.
pub struct Fixture {
    pub data: Data,
    pub outcome: FolderOutcome,
    pub clock: Arc<FakeClock>,
    pub folder: Arc<TempDir>,
    pub place: Arc<Place>,
    stop: CancellationToken,
    /// The descriptors of a contract, by its hash.
    linked: Mutex<Option<(String, DescriptorPool)>>,
}

impl Fixture {
    /// Starts a service with one contract file on an empty store.
    pub async fn start(engine: Engine, contract: &str) -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        write(&folder, contract);
        Fixture::open(Arc::new(place(engine).await), folder, FakeClock::new()).await
    }

    /// Starts without a folder on an empty store.
    pub async fn without_contract(engine: Engine) -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Fixture::open_with(Arc::new(place(engine).await), folder, FakeClock::new(), None, 50).await.unwrap()
    }

    /// Starts with the shop that tests share.
    pub async fn shop(engine: Engine) -> Fixture {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let shop = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts/shop/v1");
        for entry in std::fs::read_dir(shop).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        Fixture::open(Arc::new(place(engine).await), folder, FakeClock::new()).await
    }

    async fn open(place: Arc<Place>, folder: Arc<TempDir>, clock: Arc<FakeClock>) -> Fixture {
        match Fixture::try_open(place, folder, clock).await {
            Ok(fixture) => fixture,
            Err(error) => panic!("{error}"),
        }
    }

    async fn open_with(
        place: Arc<Place>,
        folder: Arc<TempDir>,
        clock: Arc<FakeClock>,
        contracts: Option<PathBuf>,
        contract_poll_ms: u64,
    ) -> Result<Fixture, StartError> {
        let config = Config { database_url: place.config.database_url.clone(), contract_poll_ms, ..Config::default() };
        let data_dir = place.path.parent().unwrap().to_owned();
        let options = Options { data_dir, accept_empty: false, contracts, development: true };
        let stop = CancellationToken::new();
        let mut environment = Environment::new(options, Jobs::new(Telemetry::quiet().metrics(), &stop));
        environment.clock = clock.clone();
        let (data, outcome) = Data::start(&config, environment).await?;
        Ok(Fixture { data, outcome, clock, folder, place, stop, linked: Mutex::default() })
    }

    /// Starts on a store that was used before.
    pub async fn try_open(
        place: Arc<Place>,
        folder: Arc<TempDir>,
        clock: Arc<FakeClock>,
    ) -> Result<Fixture, StartError> {
        let contracts = Some(folder.path().to_owned());
        Fixture::open_with(place, folder, clock, contracts, 50).await
    }

    /// What outlives the service.
    pub fn parts(&self) -> (Arc<Place>, Arc<TempDir>, Arc<FakeClock>) {
        (Arc::clone(&self.place), Arc::clone(&self.folder), Arc::clone(&self.clock))
    }

    /// Ends the service.
    pub async fn end(self) {
        self.stop.cancel();
        self.data.db().close().await;
    }

    /// Replaces the contract file, and leaves it to whoever watches or starts next.
    pub fn write(&self, contract: &str) {
        write(&self.folder, contract);
    }

    /// Ends the service and starts another on the same store and folder.
    pub async fn restart(self) -> Fixture {
        let (place, folder, clock) = self.parts();
        self.end().await;
        Fixture::open(place, folder, clock).await
    }

    /// Starts a second service beside this one, on the same store (PostgreSQL) and folder.
    pub async fn second(&self) -> Fixture {
        let (place, folder, clock) = self.parts();
        Fixture::open(place, folder, clock).await
    }

    /// Starts a second service beside this one that has no folder and hardly ever looks at the store by itself.
    pub async fn second_that_sleeps(&self) -> Fixture {
        const AN_HOUR_MS: u64 = 3_600_000;
        let (place, folder, clock) = self.parts();
        Fixture::open_with(place, folder, clock, None, AN_HOUR_MS).await.unwrap()
    }

    /// Waits until nothing is left to do for a contract: indexes may be built behind the apply.
    pub async fn settle(&self, contract: &str) {
        let source = mainstay_contract::Source { path: "contract.proto".to_owned(), text: contract.to_owned() };
        let contract = Arc::new(mainstay_contract::compile(vec![source]).unwrap());
        let planned = || mainstay_data::apply::plan(self.data.db(), Arc::clone(&contract));
        mainstay_testkit::wait::until("no step is left", || async {
            planned().await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    /// The revision that is served.
    pub fn revision(&self) -> i64 {
        self.data.reconciler().served().load().revision
    }

    /// Runs SQL on the store.
    pub async fn sql(&self, text: &str) {
        let text = text.to_owned();
        let done = self.data.db().write(mainstay_db::Atomic::Transaction, move |conn| {
            let text = text.clone();
            Box::pin(async move { conn.batch(&text).await })
        });
        done.await.unwrap();
    }

    /// Replaces the contract file and takes it over, as a save does in development.
    pub async fn rewrite(&self, contract: &str) {
        write(&self.folder, contract);
        self.data.reconciler().reload().await.unwrap();
    }

    /// A caller who is nobody.
    pub fn anonymous(&self) -> Caller<'_> {
        self.caller(Principal::anonymous())
    }

    /// A signed-in user.
    pub fn user(&self, uid: &str, roles: &[&str]) -> Caller<'_> {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self.caller(Principal::user(User { uid: uid.to_owned(), roles, ..User::default() }))
    }

    /// A signed-in user who acts in an organisation, with roles there.
    pub fn member(&self, uid: &str, organisation: &str, roles: &[&str]) -> Caller<'_> {
        self.caller(Principal::user(User {
            uid: uid.to_owned(),
            organisation: Some(organisation.to_owned()),
            organisation_roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..User::default()
        }))
    }

    /// The same, who showed two factors so many seconds ago, or at no time that is known.
    pub fn sure_member(&self, uid: &str, organisation: &str, seconds_ago: Option<i64>) -> Caller<'_> {
        let now = self.clock.now_micros() / 1_000_000;
        self.caller(Principal::user(User {
            uid: uid.to_owned(),
            organisation: Some(organisation.to_owned()),
            level: 2,
            authenticated_at: seconds_ago.map(|ago| now - ago),
            ..User::default()
        }))
    }

    /// A process of the platform with a key from the configuration.
    pub fn service(&self, name: &str) -> Caller<'_> {
        self.caller(Principal::service(name, Vec::new()))
    }

    /// The process itself.
    pub fn system(&self) -> Caller<'_> {
        self.caller(Principal::system())
    }

    fn caller(&self, principal: Principal) -> Caller<'_> {
        Caller { fixture: self, principal, read_mask: None }
    }

    /// The bytes of a message in JSON.
    pub fn encoded(&self, message: &str, json: &Json) -> Vec<u8> {
        let descriptor = self.pool().get_message_by_name(message).unwrap_or_else(|| panic!("no message {message}"));
        DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{json}: {error}")).encode_to_vec()
    }

    /// The descriptors of what is served.
    pub fn pool(&self) -> DescriptorPool {
        let snapshot = self.data.reconciler().served().load();
        let mut linked = self.linked.lock().unwrap();
        match linked.as_ref() {
            Some((hash, pool)) if *hash == snapshot.contract.hash => pool.clone(),
            _ => {
                let pool = snapshot.contract.link().unwrap();
                linked.insert((snapshot.contract.hash.clone(), pool)).1.clone()
            }
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn write(folder: &TempDir, contract: &str) {
    std::fs::write(folder.path().join("contract.proto"), contract).unwrap();
}

/// Somebody who calls.
#[derive(Clone)]
pub struct Caller<'f> {
    fixture: &'f Fixture,
    principal: Principal,
    read_mask: Option<String>,
}

impl Caller<'_> {
    /// The same caller, who wants a part of each answer (AIP-157).
    pub fn with_read_mask(&self, mask: &str) -> Self {
        Caller { read_mask: Some(mask.to_owned()), ..self.clone() }
    }

    /// Who calls.
    pub fn principal(&self) -> Principal {
        self.principal.clone()
    }

    /// Calls `shop.v1.ProductService/GetProduct` with a request in JSON and gives the answer in JSON.
    pub async fn call(&self, method: &str, request: Json) -> Result<Json, Fault> {
        let pool = self.fixture.pool();
        let (service, name) = method.split_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap_or_else(|| panic!("no service {service}"));
        let method = service.methods().find(|m| m.name() == name).unwrap_or_else(|| panic!("no method {name}"));
        let text = request.to_string();
        let mut reader = serde_json::Deserializer::from_str(&text);
        reader.disable_recursion_limit();
        let message = DynamicMessage::deserialize_with_options(method.input(), &mut reader, &DeserializeOptions::new())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let path = format!("/{}/{}", service.full_name(), method.name());
        let mut call = Call::new(path.as_str(), self.principal.clone(), Bytes::from(message.encode_to_vec()));
        if let Some(mask) = &self.read_mask {
            call.metadata.insert("x-goog-fieldmask", mask.parse().unwrap());
        }
        let answer = self.fixture.data.resources().call(call).await?;
        let answer = DynamicMessage::decode(method.output(), answer).unwrap();
        let mut json = Vec::new();
        let mut writer = serde_json::Serializer::new(&mut json);
        answer.serialize_with_options(&mut writer, &SerializeOptions::new().use_proto_field_name(true)).unwrap();
        Ok(mainstay_record::stored_json(std::str::from_utf8(&json).unwrap()).unwrap())
    }

    /// Sends bytes as they are.
    pub async fn raw(&self, method: &str, message: impl Into<Bytes>) -> Result<Bytes, Fault> {
        let call = Call::new(format!("/{method}").as_str(), self.principal.clone(), message.into());
        self.fixture.data.resources().call(call).await
    }

    /// The same, for a call that must be refused: the fault.
    pub async fn fault(&self, method: &str, request: Json) -> Fault {
        match self.call(method, request).await {
            Ok(answer) => panic!("{method} was not refused: {answer}"),
            Err(fault) => fault,
        }
    }

    /// The same, for a call that must succeed.
    pub async fn ok(&self, method: &str, request: Json) -> Json {
        match self.call(method, request).await {
            Ok(answer) => answer,
            Err(fault) => panic!("{method}: {fault:?}"),
        }
    }

    /// The same, for a call that must be refused: the reason and the fields that are named.
    pub async fn refused(&self, method: &str, request: Json) -> (Reason, Vec<String>) {
        match self.call(method, request).await {
            Ok(answer) => panic!("{method} was not refused: {answer}"),
            Err(fault) => {
                let fields = fault.violations().iter().map(|violation| violation.field.clone()).collect();
                (fault.reason().unwrap(), fields)
            }
        }
    }
}

/// All that a client sees of a fault.
pub fn on_the_wire(fault: Fault) -> (tonic::Code, String, Vec<u8>) {
    let status = mainstay_fault::reply::<()>(Err(fault)).unwrap_err();
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

//! A data service of its own, on a store that is thrown away, with the rows of a file in it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use mainstay_contract::{Contract, Method};
use mainstay_data::{Config, Data, Environment, Options, seed};
use mainstay_fault::Fault;
use mainstay_identity::{Clock, Principal, SystemClock};
use mainstay_record::time::Timestamp;
use mainstay_runtime::Jobs;
use mainstay_runtime::channel::Call;
use mainstay_runtime::process::Failure;
use mainstay_telemetry::Telemetry;
use mainstay_wire::Plans;
use serde_json::{Map, Value as Json};
use tokio_util::sync::CancellationToken;

use super::file::File;

/// What tests are played on.
pub struct Stage {
    data: Data,
    plans: Arc<Plans>,
    pub contract: Contract,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// Why a call was not answered.
pub enum Refusal {
    /// The request cannot be made: what is wrong with the test.
    Request(String),
    Fault(Fault),
}

/// Stands still where the file says what time it is, but for a microsecond at each look: no two events are at once.
struct FixedClock(AtomicI64);

impl Clock for FixedClock {
    fn now_micros(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Stage {
    /// Starts the service and stores the rows of the file, as the system.
    pub async fn set(contract: Contract, contracts: &Path, file: &File) -> Result<Stage, Failure> {
        let folder = tempfile::tempdir()?;
        let options = Options {
            data_dir: folder.path().to_owned(),
            accept_empty: false,
            contracts: Some(contracts.to_owned()),
            development: true,
        };
        let stop = CancellationToken::new();
        let mut environment = Environment::new(options, Jobs::new(Telemetry::quiet().metrics(), &stop));
        environment.clock = clock(file.now.as_deref())?;
        let (data, _) = Data::start(&Config::default(), environment).await?;
        let plans = seed::plans(data.resources());
        let stage = Stage { data, plans, contract, stop, _folder: folder };
        let rows = serde_json::to_string(&file.rows)?;
        seed::seed(stage.data.resources(), &rows).await?;
        Ok(stage)
    }

    /// Calls a method with a request in JSON.
    pub async fn call(&self, method: &Method, caller: Principal, request: &Map<String, Json>) -> Result<Json, Refusal> {
        let request = self.encoded(method, request).map_err(Refusal::Request)?;
        let call = Call::new(method.path.as_str(), caller, request);
        let answer = self.data.resources().call(call).await.map_err(Refusal::Fault)?;
        self.decoded(method, &answer).map_err(Refusal::Request)
    }

    /// What time it is, in seconds since the Unix epoch.
    pub fn now_seconds(&self) -> i64 {
        self.data.resources().clock.now_micros().div_euclid(1_000_000)
    }

    fn encoded(&self, method: &Method, request: &Map<String, Json>) -> Result<Bytes, String> {
        let id = self.plans.message(&method.input).ok_or("the type of the request is unknown")?;
        let (text, mut wire) = (Json::Object(request.clone()).to_string(), Vec::new());
        self.plans.from_json(id, text.as_bytes(), &mut wire, None).map_err(|error| error.to_string())?;
        Ok(wire.into())
    }

    fn decoded(&self, method: &Method, answer: &Bytes) -> Result<Json, String> {
        let id = self.plans.message(&method.output).ok_or("the type of the answer is unknown")?;
        let mut json = Vec::new();
        self.plans.to_json(id, answer, &mut json).map_err(|error| error.to_string())?;
        serde_json::from_slice(&json).map_err(|error| error.to_string())
    }

    /// Ends the service.
    pub async fn clear(self) {
        self.stop.cancel();
        self.data.db().close().await;
    }
}

fn clock(now: Option<&str>) -> Result<Arc<dyn Clock>, Failure> {
    let Some(text) = now else { return Ok(Arc::new(SystemClock)) };
    let time = Timestamp::parse(text).map_err(|error| format!("now: {error}"))?;
    Ok(Arc::new(FixedClock(AtomicI64::new(time.micros()))))
}

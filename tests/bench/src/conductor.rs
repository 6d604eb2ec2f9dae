//! The run: who is started when, and what is compared with what.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::count::Count;
use crate::load::{Plan, Work};
use crate::measure::{Measured, measure};
use crate::peer::mainstay::{Answers, GET, Mainstay, get_message, token};
use crate::peer::pocketbase::PocketBase;
use crate::peer::postgres::Postgres;
use crate::process::{Server, free_port, resident_kib};
use crate::report::Report;
use crate::{records, requests};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is run, and for how long.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The release binary
    #[arg(long)]
    mainstay: PathBuf,
    /// The folder with the benchmark's contract
    #[arg(long)]
    contract: PathBuf,
    /// PocketBase's binary
    #[arg(long)]
    pocketbase: PathBuf,
    /// Where the results go
    #[arg(long)]
    results: PathBuf,
    /// How long one run is measured
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each measurement is made; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// What is counted.
#[derive(Debug, clap::Args)]
pub struct CountOptions {
    /// The binary: the released one, whose ceilings these are
    #[arg(long)]
    mainstay: PathBuf,
    /// The folder with the benchmark's contract
    #[arg(long)]
    contract: PathBuf,
}

const METHOD: &str = "Server pinned to one core, load generator to the other, closed loop, 2 s warm-up, the median of the \
runs. Every answer is looked at (HTTP status, `grpc-status`); a wrong one fails the run. Mainstay's creates are \
acknowledged after the sync (`synchronous=FULL`), PocketBase's before any (`synchronous=NORMAL`). Instructions are counted \
by callgrind, in user space, on one connection: what a thousand more requests take of one process.";

struct Run<'o> {
    options: &'o Options,
    folder: TempDir,
    report: Report,
}

/// Counts instructions, and prints them. Fails where one is above its ceiling.
pub fn count(options: &CountOptions) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("mainstay-bench-").tempdir()?;
    let (binary, contract) = (options.mainstay.clone(), options.contract.clone());
    let ours = Mainstay { binary, contract, data_dir: folder.path().join("sqlite"), postgres: None };
    let answers = fill(&ours, &folder.path().join("fill.log"))?;
    let mut report = Report::default();
    Count { filled: &ours, answers: &answers, folder: folder.path() }.run(&mut report);
    report.print_aims();
    report.verdict()
}

/// Runs everything, prints the table and writes it, also where something failed before the end: what was measured until
/// then took its time. Fails where an aim is missed.
pub fn run(options: &Options) -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("mainstay-bench-").tempdir()?;
    // PostgreSQL may run as another user and has to get in.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut run = Run { options, folder, report: Report::default() };
    let all = run.limits_and_sqlite().and_then(|()| run.postgres());
    if let Err(failure) = &all {
        run.report.note(format!("The run ended early: {failure}"));
    }
    run.report.print_aims();
    std::fs::write(&options.results, run.report.markdown(METHOD))?;
    println!("\n  written to {}", options.results.display());
    all.and_then(|()| run.report.verdict())
}

impl Run<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self, port: u16, connections: usize, work: Work) -> Plan {
        let (warm_up_ms, run_ms) = (2_000, self.options.seconds * 1_000);
        Plan {
            port,
            connections,
            streams: 8,
            warm_up_ms,
            run_ms,
            at_most: None,
            headers: Vec::new(),
            work,
            beside: None,
        }
    }

    fn http(&mut self, what: &str, who: &str, server: &Server, plan: &Plan) -> Result<Measured, Failure> {
        let measured = measure(server, "http", plan, self.options.runs)?;
        Ok(self.report.add(what, who, measured))
    }

    fn grpc(&mut self, what: &str, who: &str, server: &Server, plan: &Plan) -> Result<Measured, Failure> {
        let measured = measure(server, "grpc", plan, self.options.runs)?;
        Ok(self.report.add(what, who, measured))
    }

    fn limits_and_sqlite(&mut self) -> Result<(), Failure> {
        let ours = self.mainstay("sqlite", None);
        let answers = fill(&ours, &self.path("fill.log"))?;
        let (bare_http, bare_grpc) = self.limits(&answers)?;
        let pocketbase = PocketBase { binary: self.options.pocketbase.clone(), data_dir: self.path("pocketbase") };
        println!("  filling PocketBase with {} records …", records::COUNT);
        let peer = pocketbase.start(&self.path("pocketbase.log"))?;
        let theirs = self.their_work(&peer)?;
        peer.stop();
        let (server, _) = ours.start(&self.path("mainstay.log"))?;
        let get = self.our_reads(&server, &theirs, &bare_http, &bare_grpc)?;
        self.our_rule(&server, &get)?;
        self.our_writes(&server, &theirs)?;
        self.beside_long_lists(&server)?;
        server.stop();
        self.start_and_size(&ours)?;
        Count { filled: &ours, answers: &answers, folder: self.folder.path() }.run(&mut self.report);
        Ok(())
    }

    /// The libraries alone, with the answers that Mainstay gives.
    fn limits(&mut self, answers: &Answers) -> Result<(Measured, Measured), Failure> {
        let json = self.path("answer.json");
        std::fs::write(&json, &answers.json)?;
        let hyper = self.limit("hyper", &[json.as_ref()])?;
        let plan = self.plan(hyper.port, 64, Work::Get { paths: vec!["/".into()] });
        let http = self.http("REST get by id, 64 connections", "bare hyper", &hyper, &plan)?;
        hyper.stop();
        let tonic = self.limit("tonic", &[])?;
        let plan = self.plan(tonic.port, 8, Work::Call { method: GET.into(), messages: vec![answers.message.clone()] });
        let grpc = self.grpc("gRPC get by id, 8 x 8", "bare tonic", &tonic, &plan)?;
        tonic.stop();
        Ok((http, grpc))
    }

    fn limit(&self, name: &str, arguments: &[&OsStr]) -> Result<Server, Failure> {
        let port = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, &port.to_string()]).args(arguments);
        Ok(Server::start(&mut command, port, &self.path(name))?.wait()?)
    }

    fn mainstay(&self, name: &str, postgres: Option<String>) -> Mainstay {
        Mainstay {
            binary: self.options.mainstay.clone(),
            contract: self.options.contract.clone(),
            data_dir: self.path(name),
            postgres,
        }
    }

    fn their_work(&mut self, server: &Server) -> Result<Theirs, Failure> {
        let who = "PocketBase, no log";
        let base = "/api/collections/products/records";
        let plan = self.plan(server.port, 64, gets(|index| format!("{base}/{}", records::id(index))));
        let get = self.http("REST get by id, 64 connections", who, server, &plan)?;
        let list = gets(|index| {
            let category = index % records::CATEGORIES;
            format!("{base}?perPage=20&skipTotal=1&sort=-rank&filter=category%3D%27category-{category}%27")
        });
        let plan = self.plan(server.port, 64, list);
        let list = self.http("REST list 20, indexed filter and order", who, server, &plan)?;
        let post = requests::post(base);
        let plan = self.plan(server.port, 64, post.clone());
        let create_64 = self.http("REST create, 64 clients", who, server, &plan)?;
        let plan = self.plan(server.port, 8, post);
        let create_8 = self.http("REST create, 8 clients", who, server, &plan)?;
        Ok(Theirs { get, list, create_64, create_8 })
    }

    fn our_reads(
        &mut self,
        server: &Server,
        theirs: &Theirs,
        bare_http: &Measured,
        bare_grpc: &Measured,
    ) -> Result<Measured, Failure> {
        let plan = self.plan(server.port, 64, requests::get("products"));
        let get = self.http("REST get by id, 64 connections", US, server, &plan)?;
        self.report.at_least("REST get: to PocketBase", get.per_second / theirs.get.per_second, 7.0, "x");
        self.report.at_least("REST get: of bare hyper", get.per_second / bare_http.per_second, 0.4, "%");
        let messages = (0..1_000).map(|index| get_message(&format!("products/{}", records::id(index)))).collect();
        let plan = self.plan(server.port, 8, Work::Call { method: GET.into(), messages });
        let call = self.grpc("gRPC get by id, 8 x 8", US, server, &plan)?;
        self.report.at_least("gRPC get: of bare tonic", call.per_second / bare_grpc.per_second, 0.55, "%");
        for (protocol, work) in [
            ("gRPC-Web", requests::get_over_grpc_web()),
            ("Connect", requests::get_over_connect()),
            ("Connect in JSON", requests::get_over_connect_json()),
        ] {
            let plan = self.plan(server.port, 64, work);
            let asked = self.http(&format!("{protocol} get by id, 64 connections"), US, server, &plan)?;
            self.report.at_least(&format!("{protocol} get: of REST"), asked.per_second / get.per_second, 0.85, "%");
        }
        let plan = self.plan(server.port, 64, requests::list());
        let list = self.http("REST list 20, indexed filter and order", US, server, &plan)?;
        self.report.at_least("REST list 20: to PocketBase", list.per_second / theirs.list.per_second, 9.0, "x");
        Ok(get)
    }

    fn our_rule(&mut self, server: &Server, open: &Measured) -> Result<(), Failure> {
        let mut plan = self.plan(server.port, 64, requests::get("documents"));
        plan.headers.push(("authorization".into(), format!("Bearer {}", token(server)?)));
        let ruled = self.http("REST get by id, signed in, with a rule", US, server, &plan)?;
        self.report.at_least(
            "signed-in read with a rule: of the open read",
            ruled.per_second / open.per_second,
            0.8,
            "%",
        );
        Ok(())
    }

    fn our_writes(&mut self, server: &Server, theirs: &Theirs) -> Result<(), Failure> {
        let plan = self.plan(server.port, 64, requests::create());
        let create = self.http("REST create, 64 clients", US, server, &plan)?;
        self.our_request_ids("SQLite", server, &create)?;
        let ratio = create.per_second / theirs.create_64.per_second;
        self.report.at_least("REST create, 64 clients, synced: to PocketBase, unsynced", ratio, 9.0, "x");
        let placed = self.our_orders("SQLite", server)?;
        let of = "an order of 5 lines placed, 64 clients, SQLite: of creates";
        self.report.at_least(of, placed.per_second / create.per_second, 0.16, "%");
        let plan = self.plan(server.port, 8, requests::create());
        let create = self.http("REST create, 8 clients", US, server, &plan)?;
        let ratio = create.per_second / theirs.create_8.per_second;
        self.report.at_least("REST create, 8 clients, synced: to PocketBase, unsynced", ratio, 3.0, "x");
        self.our_transactions("SQLite", server)
    }

    /// What it saves to write many records at once, and what it costs to write two together.
    fn our_transactions(&mut self, engine: &str, server: &Server) -> Result<(), Failure> {
        const BATCH: u32 = 100;
        let plan = self.plan(server.port, 1, requests::create());
        let single = self.http(&format!("REST create, one client, {engine}"), US, server, &plan)?;
        let batches = requests::create_in_batches_of(BATCH.try_into()?);
        let plan = self.plan(server.port, 1, batches);
        let what = format!("REST create in batches of {BATCH}, one client, {engine}");
        let batch = self.http(&what, US, server, &plan)?;
        let ratio = batch.per_second * f64::from(BATCH) / single.per_second;
        self.report.at_least(&format!("{what}: records to single ones"), ratio, 3.0, "x");
        let plan = self.plan(server.port, 64, requests::update());
        let update = self.http(&format!("REST update, 64 clients, {engine}"), US, server, &plan)?;
        let plan = self.plan(server.port, 64, requests::commit_of_two_updates());
        let what = format!("REST commit of two updates, 64 clients, {engine}");
        let commit = self.http(&what, US, server, &plan)?;
        let cost = update.per_second / commit.per_second;
        self.report.at_most(&format!("{what}: cost of one update"), cost, 2.2, "x");
        Ok(())
    }

    /// What effects, states and history cost.
    fn our_orders(&mut self, engine: &str, server: &Server) -> Result<Measured, Failure> {
        Mainstay::fill_orders(server)?;
        let plan = self.plan(server.port, 64, requests::place());
        self.http(&format!("REST place an order of 5 lines, 64 clients, {engine}"), US, server, &plan)
    }

    /// What it costs that a create can be repeated.
    fn our_request_ids(&mut self, engine: &str, server: &Server, without: &Measured) -> Result<(), Failure> {
        let plan = self.plan(server.port, 64, requests::create_with_request_id());
        let what = format!("REST create with a request id, 64 clients, {engine}");
        let with = self.http(&what, US, server, &plan)?;
        let ratio = with.per_second / without.per_second;
        self.report.at_least(&format!("{what}: of one without"), ratio, 0.7, "%");
        Ok(())
    }

    fn beside_long_lists(&mut self, server: &Server) -> Result<(), Failure> {
        let mut plan = self.plan(server.port, 32, requests::get("products"));
        let alone = self.http("REST get by id, 32 connections", US, server, &plan)?;
        plan.beside = Some(requests::long_list());
        let beside = self.http("the same beside 2 lists of 1,000, no index", US, server, &plan)?;
        self.report.below("reads beside long lists: p99", beside.p99_ms, 10.0, "ms");
        self.report.at_least("reads beside long lists: of undisturbed", beside.per_second / alone.per_second, 0.5, "%");
        Ok(())
    }

    fn start_and_size(&mut self, ours: &Mainstay) -> Result<(), Failure> {
        let mut starts = Vec::new();
        let mut idle = 0.0;
        for _ in 0..5 {
            let (server, took) = ours.start(&self.path("start.log"))?;
            starts.push(took.as_secs_f64() * 1_000.0);
            std::thread::sleep(Duration::from_millis(500));
            idle = f64::from(resident_kib(server.pid())) / 1_024.0;
            server.stop();
        }
        starts.sort_by(f64::total_cmp);
        self.report.below("start with data to first answer", starts[2], 60.0, "ms");
        self.report.below("idle resident memory", idle, 40.0, "MiB");
        let size = f64::from(u32::try_from(size(&self.options.mainstay)?)?) / f64::from(1 << 20);
        self.report.below("release binary", size, 40.0, "MiB");
        Ok(())
    }

    /// PostgreSQL has a core; Mainstay shares the other one with the load, as `pgbench` is its own load.
    fn postgres(&mut self) -> Result<(), Failure> {
        const CONNECTIONS: usize = 16;
        let postgres = Postgres::start(self.folder.path(), &self.path("postgres.log"))?;
        let rate = postgres.pgbench(CONNECTIONS, self.options.seconds)?;
        let measured = Measured { per_second: rate, ..Measured::default() };
        self.report.add("PostgreSQL: select by key, 16 connections", "pgbench -S -M prepared", measured);
        let ours = self.mainstay("on-postgres", Some(postgres.url()));
        let (server, _) = ours.start(&self.path("on-postgres.log"))?;
        move_to(&server, crate::process::LOAD_CORE)?;
        Mainstay::fill(&server)?;
        let messages = (0..1_000).map(|index| get_message(&format!("products/{}", records::id(index)))).collect();
        let mut plan = self.plan(server.port, 2, Work::Call { method: GET.into(), messages });
        plan.streams = CONNECTIONS / 2;
        let get = self.grpc("PostgreSQL: gRPC get by id, 16 calls at a time", US, &server, &plan)?;
        self.report.at_least("on PostgreSQL, gRPC get: of pgbench", get.per_second / rate, 0.5, "%");
        let plan = self.plan(server.port, 64, requests::create());
        let create = self.http("REST create, 64 clients, PostgreSQL", US, &server, &plan)?;
        self.our_request_ids("PostgreSQL", &server, &create)?;
        self.our_transactions("PostgreSQL", &server)?;
        let placed = self.our_orders("PostgreSQL", &server)?;
        server.stop();
        let by_hand = postgres.place(self.folder.path(), 64, self.options.seconds)?;
        let measured = Measured { per_second: by_hand, ..Measured::default() };
        self.report.add("PostgreSQL: place an order of 5 lines, 64 clients", "a procedure by hand", measured);
        let of = "an order of 5 lines placed, 64 clients, PostgreSQL: of a procedure by hand";
        self.report.at_least(of, placed.per_second / by_hand, 0.3, "%");
        Ok(())
    }
}

/// Stores the records, and asks for one of them.
fn fill(ours: &Mainstay, log: &Path) -> Result<Answers, Failure> {
    let (server, _) = ours.start(log)?;
    println!("  filling Mainstay with {} records …", 2 * records::COUNT);
    Mainstay::fill(&server)?;
    let answers = Answers::of(&server)?;
    server.stop();
    Ok(answers)
}

struct Theirs {
    get: Measured,
    list: Measured,
    create_64: Measured,
    create_8: Measured,
}

const US: &str = "Mainstay";

fn gets(path: impl Fn(usize) -> String) -> Work {
    Work::Get { paths: requests::paths(path) }
}

fn size(path: &Path) -> Result<u64, Failure> {
    Ok(std::fs::metadata(path)?.len())
}

fn move_to(server: &Server, core: &str) -> Result<(), Failure> {
    let pid = server.pid().to_string();
    Command::new("taskset").args(["-a", "-c", "-p", core, &pid]).stdout(std::process::Stdio::null()).status()?;
    Ok(())
}

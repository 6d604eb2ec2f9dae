//! A system with clients, to which something happens.

use std::time::{Duration, Instant};

use mainstay_testkit::cluster::Cluster;
use mainstay_testkit::http::Http;
use mainstay_testkit::server::{Launch, Server};
use mainstay_testkit::wait::until;
use mainstay_testkit::{Engine, server};

use super::figures::{Figures, Memory};
use super::witness::Witness;
use crate::support::{System, notes};

/// How long things are let be.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// In `make test`.
    Short,
    /// In `make chaos`.
    Long,
}

impl Pace {
    /// How long something lasts.
    pub fn while_it_lasts(self) -> Duration {
        match self {
            Pace::Short => Duration::from_millis(1_500),
            Pace::Long => Duration::from_secs(4),
        }
    }

    /// How often it happens.
    pub fn rounds(self) -> usize {
        match self {
            Pace::Short => 1,
            Pace::Long => 2,
        }
    }

    /// One of these numbers.
    pub fn of<T>(self, short: T, long: T) -> T {
        match self {
            Pace::Short => short,
            Pace::Long => long,
        }
    }
}

/// A system under load.
pub struct Trial {
    pub system: System,
    pub witness: Witness,
    pub memory: Memory,
    pub pace: Pace,
    noticed: Option<Duration>,
    recovered: Duration,
}

impl Trial {
    pub async fn of(system: System, pace: Pace) -> Trial {
        let http = system.http();
        Trial::through(&http, system, pace).await
    }

    /// With clients of one's own.
    pub async fn through(http: &Http, system: System, pace: Pace) -> Trial {
        let servers: Vec<&Server> =
            [system.auth.as_ref(), system.data.as_ref(), Some(&system.gateway)].into_iter().flatten().collect();
        let memory = Memory::of(&servers);
        let witness = Witness::of(http);
        witness.goes_well().await;
        Trial { system, witness, memory, pace, noticed: None, recovered: Duration::ZERO }
    }

    /// One process on an engine.
    pub async fn one(engine: Engine, pace: Pace) -> Trial {
        Trial::of(System::one(engine, notes::folder()).await, pace).await
    }

    /// Lets it last.
    pub async fn lasts(&self) {
        tokio::time::sleep(self.pace.while_it_lasts()).await;
    }

    /// Waits until readiness says what it should, after something has happened.
    pub async fn readiness_says(&mut self, ready: bool) {
        let (since, http, status) = (Instant::now(), self.system.http(), if ready { 200 } else { 503 });
        let said = || async { (http.try_get("/readyz").await.ok()?.status == status).then_some(()) };
        until(&format!("/readyz says {status}"), said).await;
        if !ready {
            self.noticed = self.noticed.max(Some(since.elapsed()));
        }
    }

    /// Waits until all goes well.
    pub async fn goes_well(&mut self) {
        self.recovered = self.recovered.max(self.witness.goes_well().await);
    }

    /// Waits until all goes well, after the cause has gone, and readiness says so.
    pub async fn recovers(&mut self) {
        self.goes_well().await;
        self.readiness_says(true).await;
    }

    /// Kills a server, and starts it again.
    pub async fn kill(&mut self, which: impl Fn(&mut System) -> &mut Server) {
        let before = which(&mut self.system).pid();
        which(&mut self.system).kill().await;
        self.lasts().await;
        let server = which(&mut self.system);
        server.respawn();
        self.memory.moved(before, server.pid());
        self.recovers().await;
    }

    /// Ends the clients, and counts.
    pub async fn ends(self, said: impl Into<String>) -> Figures {
        let found = self.witness.ends().await;
        Figures {
            found,
            noticed: self.noticed,
            recovered: self.recovered,
            idle: self.memory.idle,
            peak: self.memory.peak(),
            said: said.into(),
        }
    }
}

/// The sections of the configuration that have a database, and what it is called here.
const DATABASES: [(&str, &str); 3] = [("AUTH", "auth"), ("DATA", "data"), ("GATEWAY", "gateway")];

/// A server of PostgreSQL with a database for each service, which stores what it acknowledges.
pub async fn cluster() -> Cluster {
    Cluster::durable_with(&DATABASES.map(|(_, name)| name)).await
}

/// Puts each service on its database. `by` is where the server is reached, if that is not where it is.
pub fn on_cluster(launch: Launch, cluster: &Cluster, by: Option<std::net::SocketAddr>) -> Launch {
    DATABASES.iter().fold(launch, |launch, (section, database)| {
        let url = cluster.url(database);
        let url = match by {
            Some(by) => url.replace(&address_of(cluster).to_string(), &by.to_string()),
            None => url,
        };
        launch.environment(format!("MAINSTAY__{section}__DATABASE_URL"), url)
    })
}

/// Where the server listens.
pub fn address_of(cluster: &Cluster) -> std::net::SocketAddr {
    let url = cluster.url("postgres");
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next());
    address.and_then(|address| address.parse().ok()).expect("the URL has an address")
}

/// Three processes on one server of PostgreSQL.
pub async fn three_on(cluster: &Cluster) -> System {
    let folder = notes::folder();
    let base = on_cluster(server::Launch::new(folder.path()), cluster, None);
    System::three_from(base, folder).await
}

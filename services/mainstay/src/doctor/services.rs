//! Whether the services and the collector are reached from here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstay_db::RunInfo;
use mainstay_identity::{OPERATOR, Principal};
use mainstay_runtime::channel::{Call, Channel as _, GrpcChannel, RemoteConfig};
use mainstay_runtime::process::Role;
use mainstay_runtime::server::TlsConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::finding::{Findings, Level};
use crate::backup::System;

/// The health of a process as a whole.
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// `HealthCheckResponse {status: SERVING}`.
const SERVING: [u8; 2] = [0x08, 1];

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks every service that the configuration names, and every server that runs in the data directory.
pub async fn look(system: &System, findings: &mut Findings) {
    let common = &system.common;
    let mut places: BTreeMap<String, (String, RemoteConfig)> = BTreeMap::new();
    for (setting, remote) in
        [("services.auth.url", &common.services.auth), ("services.data.url", &common.services.data)]
    {
        if let Some(remote) = remote {
            places.extend(remote.each().map(|one| (one.url.clone(), (setting.to_owned(), one))));
        }
    }
    for role in [Role::All, Role::Auth, Role::Data, Role::Gateway] {
        if let Some(info) = RunInfo::read(&role.run_folder(&common.data_dir)) {
            if common.tls.as_ref().is_some_and(TlsConfig::wants_certificates) {
                findings.looked(role.service_name(), format!("{} wants certificates, and is not asked", info.address));
                continue;
            }
            let ca_file = common.tls.as_ref().map(|tls| tls.cert_file.clone());
            let remote = RemoteConfig { url: info.address.clone(), ca_file, ..RemoteConfig::default() };
            places.entry(info.address).or_insert((role.service_name().to_owned(), remote));
        }
    }
    for (url, (place, remote)) in &places {
        match ask(remote).await {
            Ok(()) => findings.looked(place.clone(), format!("{url} serves")),
            Err(why) => {
                let what = format!("{url} does not serve: {why}");
                findings.add(
                    Level::Problem,
                    place.clone(),
                    what,
                    "start it, look at its log and /readyz, or correct the address",
                );
            }
        }
    }
    if let Some(endpoint) = &common.telemetry.otlp_endpoint {
        collector(endpoint, findings).await;
    }
}

async fn ask(remote: &RemoteConfig) -> Result<(), String> {
    let channel = GrpcChannel::connect(remote, None).map_err(|error| error.to_string())?;
    let call =
        Call::new(CHECK, Principal::service(OPERATOR, Vec::new()), Bytes::new()).deadline(Instant::now() + PATIENCE);
    let answer = channel.call(call).await.and_then(|reply| reply.message());
    match answer {
        Ok(status) if status == SERVING[..] => Ok(()),
        Ok(_) => Err("it says that it is not ready".to_owned()),
        Err(fault) => {
            let mut cause: &dyn std::error::Error = &fault;
            while let Some(next) = cause.source() {
                cause = next;
            }
            Err(cause.to_string())
        }
    }
}

async fn collector(endpoint: &str, findings: &mut Findings) {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return };
    let Some(host) = uri.host() else { return };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let reached = timeout(PATIENCE, TcpStream::connect((host.trim_matches(['[', ']']), port))).await;
    match reached {
        Ok(Ok(_)) => findings.looked("telemetry.otlp_endpoint", format!("{endpoint} is reached")),
        other => {
            let why = other.map_or("it does not answer".to_owned(), |tried| {
                tried.err().map(|e| e.to_string()).unwrap_or_default()
            });
            let what = format!("{endpoint} is not reached ({why}): traces and metrics are lost");
            findings.add(
                Level::Warning,
                "telemetry.otlp_endpoint",
                what,
                "start the collector, or correct the address",
            );
        }
    }
}

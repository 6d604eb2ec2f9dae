//! One measurement: a load on a server, three times, the medians.

use std::time::Duration;

use crate::load::{Outcome, Plan};
use crate::process::{Server, cpu, generate, resident_kib};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What one server did under one load.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub server_cpu: f64,
    pub load_cpu: f64,
    pub resident_mib: f64,
}

/// Runs a plan `runs` times and takes the run with the median rate. An answer that was not as it should be fails it.
pub fn measure(server: &Server, kind: &str, plan: &Plan, runs: usize) -> Result<Measured, Failure> {
    let mut all = Vec::new();
    for _ in 0..runs {
        let before = cpu(server.pid());
        let (text, _) = generate(kind, &serde_json::to_string(plan)?)?;
        let used = cpu(server.pid()).saturating_sub(before);
        let outcome: Outcome = serde_json::from_str(text.trim())?;
        outcome.check()?;
        let wall = Duration::from_millis(plan.warm_up_ms + plan.run_ms);
        all.push(Measured {
            per_second: outcome.per_second,
            p50_ms: outcome.p50_ms,
            p99_ms: outcome.p99_ms,
            server_cpu: used.as_secs_f64() / wall.as_secs_f64(),
            load_cpu: outcome.cpu_share,
            resident_mib: f64::from(resident_kib(server.pid())) / 1024.0,
        });
    }
    all.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    Ok(all.swap_remove(all.len() / 2))
}

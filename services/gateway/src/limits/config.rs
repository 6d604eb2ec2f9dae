//! The section `gateway.limits` of the configuration.

use std::collections::BTreeMap;

use mainstay_runtime::config::Texts;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::caller::By;

/// The largest quota, and the most at once.
const MOST: u32 = 1_000_000;

/// The longest time that a quota can be for: a day.
const LONGEST_SECONDS: u32 = 86_400;

/// How many times its quota a policy may allow at once: in a Redis, more than a hundred days would be rounded.
const MOST_QUOTAS_AT_ONCE: u32 = 100;

/// Most policies: all that apply to a call are looked up for it.
const MOST_POLICIES: usize = 32;

/// Most gateways that can share.
const MOST_GATEWAYS: u32 = 1_000;

/// How long a call waits, unless configured otherwise.
pub const DEFAULT_TIMEOUT_MS: u32 = 50;

/// Longest that a call can be configured to wait.
const LONGEST_TIMEOUT_MS: u32 = 5_000;

/// How often who may call.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Policies, by names of your own, which callers are told. Where several apply to a call, all have to let it in.
    pub policies: BTreeMap<String, PolicyConfig>,
    pub redis: RedisConfig,
}

/// How much is allowed to whom.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Whose calls are counted together.
    pub by: By,
    /// The methods whose calls are counted: `shop.v1.OrderService/CreateOrder`, `shop.v1.OrderService/Batch*`, `shop.v1.*`. All of them
    /// where it names none.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub methods: Texts,
    /// How many calls are allowed in each `per_seconds`, 1 to 1,000,000. A batch counts as the calls that it stands for.
    pub quota: u32,
    /// How long the time is that the quota is for, in seconds: 1 to 86,400.
    pub per_seconds: u32,
    /// How many calls are allowed at once, where nothing was used; as many as `quota` where it is left out, 100 times as many at
    /// most.
    #[serde(default)]
    pub burst: Option<u32>,
}

/// A Redis in which several gateways count together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `redis://user:password@host:6379/0`, or `rediss://…` for TLS. Without it, each gateway counts for itself.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub url: Option<SecretString>,
    /// Longest that a call waits for it each time that it is counted, in milliseconds: 1 to 5,000.
    pub timeout_ms: u32,
    /// How many gateways share it: while it is away, each of them allows this part of what they allow together. 1 to 1,000.
    pub gateways: u32,
}

impl Default for RedisConfig {
    fn default() -> RedisConfig {
        RedisConfig { url: None, timeout_ms: DEFAULT_TIMEOUT_MS, gateways: 1 }
    }
}

impl LimitsConfig {
    /// Finds everything that is wrong with the values, each as its path below `gateway.limits` and what it has to be.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.policies.len() > MOST_POLICIES {
            problems.push(("policies".to_owned(), format!("must be {MOST_POLICIES} at most")));
        }
        for (name, policy) in &self.policies {
            if !is_name(name) {
                let remedy = "must have a name of at most 40 lower-case letters, digits, `-` and `_`".to_owned();
                problems.push((format!("policies.{name}"), remedy));
            }
            let own = policy.problems().into_iter();
            problems.extend(own.map(|(path, remedy)| (format!("policies.{name}.{path}"), remedy)));
        }
        if self.redis.url.as_ref().is_some_and(|url| !is_redis(url.expose_secret())) {
            let remedy = "must be redis://user:password@host:port/database, or rediss:// for TLS".to_owned();
            problems.push(("redis.url".to_owned(), remedy));
        }
        if !(1..=LONGEST_TIMEOUT_MS).contains(&self.redis.timeout_ms) {
            problems.push(("redis.timeout_ms".to_owned(), format!("must be 1 to {LONGEST_TIMEOUT_MS}")));
        }
        if !(1..=MOST_GATEWAYS).contains(&self.redis.gateways) {
            problems.push(("redis.gateways".to_owned(), format!("must be 1 to {MOST_GATEWAYS}")));
        }
        problems
    }
}

impl PolicyConfig {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !(1..=MOST).contains(&self.quota) {
            problems.push(("quota", format!("must be 1 to {MOST}")));
        }
        if !(1..=LONGEST_SECONDS).contains(&self.per_seconds) {
            problems.push(("per_seconds", format!("must be 1 to {LONGEST_SECONDS}")));
        }
        let most = self.quota.saturating_mul(MOST_QUOTAS_AT_ONCE).min(MOST);
        if self.burst.is_some_and(|burst| !(1..=most.max(1)).contains(&burst)) {
            problems.push(("burst", format!("must be 1 to {MOST_QUOTAS_AT_ONCE} times the quota, {MOST} at most")));
        }
        if let Some(wrong) = self.methods.iter().find(|pattern| !is_pattern(pattern)) {
            let remedy = format!(
                "must be methods as `shop.v1.OrderService/CreateOrder`, or what they begin with: `shop.v1.*`, \
                 `shop.v1.OrderService/Batch*`; `{wrong}` is neither"
            );
            problems.push(("methods", remedy));
        }
        problems
    }
}

/// Whether a text is the address of a Redis, over TCP. What stands behind a `#` could switch the check of certificates off.
fn is_redis(url: &str) -> bool {
    let is_known = url.starts_with("redis://") || url.starts_with("rediss://");
    is_known && !url.contains('#') && redis::Client::open(url).is_ok()
}

fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=40).contains(&name.len()) && name.bytes().all(known)
}

/// Whether a text can be a method's name, or what some begin with: up to a point or a slash, or some of the method's own name.
fn is_pattern(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_./".contains(&byte);
    match text.strip_suffix('*') {
        Some("") => true,
        Some(beginning) => {
            (beginning.ends_with('.') || beginning.split_once('/').is_some_and(|(service, _)| !service.is_empty()))
                && beginning.bytes().all(is_known)
        }
        None => {
            let whole = text.split_once('/');
            whole.is_some_and(|(service, method)| !service.is_empty() && !method.is_empty())
                && text.bytes().all(is_known)
        }
    }
}

/// Whether a method (`/shop.v1.OrderService/CreateOrder`) is one of those that a pattern names.
pub fn matches(pattern: &str, path: &str) -> bool {
    let name = path.trim_start_matches('/');
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(quota: u32, per_seconds: u32, burst: Option<u32>, methods: &[&str]) -> PolicyConfig {
        PolicyConfig { by: By::Account, methods: methods.into(), quota, per_seconds, burst }
    }

    fn wrong(policy: &PolicyConfig) -> Vec<&'static str> {
        policy.problems().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn numbers_that_cannot_work_are_refused() {
        assert_eq!(wrong(&policy(100, 60, None, &[])), Vec::<&str>::new());
        assert_eq!(wrong(&policy(0, 0, Some(0), &[])), ["quota", "per_seconds", "burst"]);
        assert_eq!(wrong(&policy(1_000_001, 86_401, None, &[])), ["quota", "per_seconds"]);
        assert_eq!(wrong(&policy(10, 60, Some(1_000), &[])), Vec::<&str>::new());
        assert_eq!(wrong(&policy(10, 60, Some(1_001), &[])), ["burst"]);
    }

    #[test]
    fn a_method_is_named_whole_or_by_what_it_begins_with() {
        for good in
            ["*", "shop.v1.*", "shop.v1.OrderService/*", "shop.v1.OrderService/B*", "shop.v1.OrderService/CreateOrder"]
        {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["", "shop.v1", "shop.v1.Or*", "/", "shop/", "GET /shop", "shop.v1.*.Get", "a b/*"] {
            assert!(!is_pattern(bad), "{bad}");
        }
        assert!(matches("shop.v1.*", "/shop.v1.OrderService/CreateOrder"));
        assert!(!matches("shop.v1.*", "/shop.v11.OrderService/CreateOrder"));
        assert!(matches("shop.v1.OrderService/CreateOrder", "/shop.v1.OrderService/CreateOrder"));
        assert!(!matches("shop.v1.OrderService/Create", "/shop.v1.OrderService/CreateOrder"));
    }

    #[test]
    fn names_are_those_that_can_stand_in_headers_and_labels() {
        let named = |name: &str| LimitsConfig {
            policies: BTreeMap::from([(name.to_owned(), policy(1, 1, None, &[]))]),
            ..LimitsConfig::default()
        };
        assert!(named("per-account_2").problems().is_empty());
        for bad in ["", "Per", "a\"b", "ä", "a b"] {
            assert_eq!(named(bad).problems().len(), 1, "{bad:?}");
        }
    }

    #[test]
    fn a_redis_has_to_be_one() {
        let at = |url: &str| LimitsConfig {
            redis: RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() },
            ..LimitsConfig::default()
        };
        for good in ["redis://127.0.0.1", "redis://ada:secret@redis.example.net:6380/2", "rediss://redis.example.net"] {
            assert!(at(good).problems().is_empty(), "{good}");
        }
        for bad in ["http://secret-host", "unix:///secret-host", "rediss://secret-host/#insecure"] {
            let problems = at(bad).problems();
            assert_eq!(problems.len(), 1, "{bad}");
            assert!(!problems[0].1.contains("secret-host"), "it may hold a password");
        }
    }

    #[test]
    fn there_are_no_more_policies_than_are_looked_up_for_a_call() {
        let named = |count: usize| LimitsConfig {
            policies: (0..count).map(|number| (format!("p{number}"), policy(1, 1, None, &[]))).collect(),
            ..LimitsConfig::default()
        };
        assert!(named(MOST_POLICIES).problems().is_empty());
        assert_eq!(named(MOST_POLICIES + 1).problems().len(), 1);
    }
}

//! How often somebody may try a secret, and make accounts: counted before anything is hashed or looked up.
//!
//! The README says what the limits are and why nobody can lock an owner out. They count in this process alone and in a
//! bounded memory; what they know is gone with the process.

mod bounded;
mod bucket;
mod origin;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use mainstay_identity::Clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::bounded::{Bounded, MAX_KEYS};
use self::bucket::Bucket;
pub use self::origin::Origin;

/// By how much the allowance of an IPv6 site is larger than that of one of its networks.
const SITE_FACTOR: u32 = 8;

/// What a network that an account was never signed in from is allowed while the account is under attack from everywhere:
/// little, but never nothing, for that may be the owner.
const STRANGER: Allowance = Allowance { burst: 1, per_minute: 1 };

/// The largest number that can be configured.
const MOST: u32 = 1_000_000;

/// How much is allowed: so many at once, and so many in each minute after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    burst: u32,
    per_minute: u32,
}

impl Allowance {
    fn times(self, factor: u32) -> Allowance {
        Allowance { burst: self.burst.saturating_mul(factor), per_minute: self.per_minute.saturating_mul(factor) }
    }
}

/// The section `auth.limits` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Wrong passwords and tokens from one address (IPv6: one /64 network), at once.
    pub address_burst: u32,
    /// Wrong passwords and tokens from one address, in each minute after those at once.
    pub address_per_minute: u32,
    /// Wrong passwords for one account from one address, at once.
    pub account_burst: u32,
    /// Wrong passwords for one account from one address, in each minute after those at once.
    pub account_per_minute: u32,
    /// Wrong passwords for one account from all addresses that it was not signed in from, at once.
    pub account_everywhere_burst: u32,
    /// Wrong passwords for one account from all addresses that it was not signed in from, in each minute after those at
    /// once.
    pub account_everywhere_per_minute: u32,
    /// Accounts that are made from one address, at once.
    pub sign_up_burst: u32,
    /// Accounts that are made from one address, in each minute after those at once.
    pub sign_up_per_minute: u32,
    /// Mails with links or codes that are asked for from one address, at once.
    pub mail_burst: u32,
    /// Mails with links or codes that are asked for from one address, in each minute after those at once.
    pub mail_per_minute: u32,
    /// Passkeys and codes of devices that are asked for from one address, at once.
    pub challenge_burst: u32,
    /// Passkeys and codes of devices that are asked for from one address, in each minute after those at once.
    pub challenge_per_minute: u32,
    /// Sign-ins that are begun at providers of identities from one address, at once.
    pub provider_burst: u32,
    /// Sign-ins that are begun at providers of identities from one address, in each minute after those at once.
    pub provider_per_minute: u32,
    /// Wrong codes of factors for one account from one address, at once.
    pub second_factor_burst: u32,
    /// Wrong codes of factors for one account from one address, in each minute after those at once.
    pub second_factor_per_minute: u32,
    /// Wrong codes of factors for one account from all addresses from which none was right before, at once.
    pub second_factor_everywhere_burst: u32,
    /// Wrong codes of factors for one account from all addresses from which none was right before, in each minute after those
    /// at once.
    pub second_factor_everywhere_per_minute: u32,
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig {
            address_burst: 80,
            address_per_minute: 60,
            account_burst: 10,
            account_per_minute: 6,
            account_everywhere_burst: 100,
            account_everywhere_per_minute: 20,
            sign_up_burst: 100,
            sign_up_per_minute: 30,
            mail_burst: 20,
            mail_per_minute: 5,
            challenge_burst: 200,
            challenge_per_minute: 120,
            provider_burst: 300,
            provider_per_minute: 120,
            second_factor_burst: 10,
            second_factor_per_minute: 1,
            second_factor_everywhere_burst: 30,
            second_factor_everywhere_per_minute: 1,
        }
    }
}

impl LimitsConfig {
    /// Finds every number that cannot work, with what it has to be.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (&'static str, String)> {
        let numbers = [
            ("limits.address_burst", self.address_burst),
            ("limits.address_per_minute", self.address_per_minute),
            ("limits.account_burst", self.account_burst),
            ("limits.account_per_minute", self.account_per_minute),
            ("limits.account_everywhere_burst", self.account_everywhere_burst),
            ("limits.account_everywhere_per_minute", self.account_everywhere_per_minute),
            ("limits.sign_up_burst", self.sign_up_burst),
            ("limits.sign_up_per_minute", self.sign_up_per_minute),
            ("limits.mail_burst", self.mail_burst),
            ("limits.mail_per_minute", self.mail_per_minute),
            ("limits.challenge_burst", self.challenge_burst),
            ("limits.challenge_per_minute", self.challenge_per_minute),
            ("limits.provider_burst", self.provider_burst),
            ("limits.provider_per_minute", self.provider_per_minute),
            ("limits.second_factor_burst", self.second_factor_burst),
            ("limits.second_factor_per_minute", self.second_factor_per_minute),
            ("limits.second_factor_everywhere_burst", self.second_factor_everywhere_burst),
            ("limits.second_factor_everywhere_per_minute", self.second_factor_everywhere_per_minute),
        ];
        let wrong = numbers.into_iter().filter(|(_, number)| !(1..=MOST).contains(number));
        wrong.map(|(path, _)| (path, format!("must be 1 to {MOST}")))
    }

    fn address(&self) -> Allowance {
        Allowance { burst: self.address_burst, per_minute: self.address_per_minute }
    }

    fn account(&self) -> Allowance {
        Allowance { burst: self.account_burst, per_minute: self.account_per_minute }
    }

    fn everywhere(&self) -> Allowance {
        Allowance { burst: self.account_everywhere_burst, per_minute: self.account_everywhere_per_minute }
    }

    fn sign_up(&self) -> Allowance {
        Allowance { burst: self.sign_up_burst, per_minute: self.sign_up_per_minute }
    }

    fn second_factor(&self) -> Allowance {
        Allowance { burst: self.second_factor_burst, per_minute: self.second_factor_per_minute }
    }

    fn second_factor_everywhere(&self) -> Allowance {
        let (burst, per_minute) = (self.second_factor_everywhere_burst, self.second_factor_everywhere_per_minute);
        Allowance { burst, per_minute }
    }

    fn challenge(&self) -> Allowance {
        Allowance { burst: self.challenge_burst, per_minute: self.challenge_per_minute }
    }

    fn provider(&self) -> Allowance {
        Allowance { burst: self.provider_burst, per_minute: self.provider_per_minute }
    }

    fn mail(&self) -> Allowance {
        Allowance { burst: self.mail_burst, per_minute: self.mail_per_minute }
    }
}

/// What somebody had too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Wrong secrets from one address.
    Address,
    /// Wrong passwords for one account from one address.
    Account,
    /// Wrong passwords for one account from everywhere.
    AccountEverywhere,
    /// Wrong codes of factors for one account from one address.
    SecondFactor,
    /// Wrong codes of factors for one account from everywhere.
    SecondFactorEverywhere,
    /// New accounts from one address.
    SignUp,
    /// Sign-ins that are begun at providers from one address.
    Provider,
    /// Mails that are asked for from one address.
    Mail,
    /// Passkeys and codes of devices that are asked for from one address.
    Challenge,
    /// Mails to one e-mail address.
    MailToOne,
    /// Passwords that are checked for one address at the same time.
    AtOnce,
}

impl Limit {
    /// Names the limit, as the settings do.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Address => "address",
            Limit::Account => "account",
            Limit::AccountEverywhere => "account_everywhere",
            Limit::SecondFactor => "second_factor",
            Limit::SecondFactorEverywhere => "second_factor_everywhere",
            Limit::SignUp => "sign_up",
            Limit::Provider => "provider",
            Limit::Mail => "mail",
            Limit::Challenge => "challenge",
            Limit::MailToOne => "mail_to_one",
            Limit::AtOnce => "passwords_at_once",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Limit::Address => "too many wrong passwords or tokens from this address",
            Limit::Account => "too many wrong passwords for this account from this address",
            Limit::AccountEverywhere => "too many wrong passwords for this account",
            Limit::SecondFactor => "too many wrong codes for this account from this address",
            Limit::SecondFactorEverywhere => "too many wrong codes for this account",
            Limit::SignUp => "too many new accounts from this address",
            Limit::Provider => "too many sign-ins at providers were begun from this address",
            Limit::Mail => "too many mails were asked for from this address",
            Limit::Challenge => "passkeys or codes of devices were asked for too often from this address",
            Limit::MailToOne => "too many mails to this e-mail address",
            Limit::AtOnce => "too many passwords at once from this address",
        })
    }
}

/// Says that a limit was reached, and in how long the next try is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit}; try again in {} seconds", seconds(.wait))]
pub struct Exceeded {
    pub limit: Limit,
    pub wait: Duration,
}

fn seconds(wait: &Duration) -> u128 {
    wait.as_millis().div_ceil(1_000).max(1)
}

/// The limits of one process.
pub struct Limits {
    address: Bucket,
    address_site: Bucket,
    account: Bucket,
    everywhere: Bucket,
    stranger: Bucket,
    second_factor: Bucket,
    second_factor_everywhere: Bucket,
    sign_up: Bucket,
    sign_up_site: Bucket,
    provider: Bucket,
    provider_site: Bucket,
    mail: Bucket,
    mail_site: Bucket,
    challenge: Bucket,
    challenge_site: Bucket,
    /// From where accounts were signed in, by the time of the last.
    known: Bounded,
    /// Keys are hashes with a secret of this process: no address is kept, and none can be made that falls on another's key.
    hash: RandomState,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// Makes limits that nothing has been counted for.
    pub fn new(config: &LimitsConfig, clock: &Arc<dyn Clock>) -> Limits {
        let bucket = |limit, allowance| Bucket::new(limit, allowance, clock);
        Limits {
            address: bucket(Limit::Address, config.address()),
            address_site: bucket(Limit::Address, config.address().times(SITE_FACTOR)),
            account: bucket(Limit::Account, config.account()),
            everywhere: bucket(Limit::AccountEverywhere, config.everywhere()),
            stranger: bucket(Limit::AccountEverywhere, STRANGER),
            second_factor: bucket(Limit::SecondFactor, config.second_factor()),
            second_factor_everywhere: bucket(Limit::SecondFactorEverywhere, config.second_factor_everywhere()),
            sign_up: bucket(Limit::SignUp, config.sign_up()),
            sign_up_site: bucket(Limit::SignUp, config.sign_up().times(SITE_FACTOR)),
            provider: bucket(Limit::Provider, config.provider()),
            provider_site: bucket(Limit::Provider, config.provider().times(SITE_FACTOR)),
            mail: bucket(Limit::Mail, config.mail()),
            mail_site: bucket(Limit::Mail, config.mail().times(SITE_FACTOR)),
            challenge: bucket(Limit::Challenge, config.challenge()),
            challenge_site: bucket(Limit::Challenge, config.challenge().times(SITE_FACTOR)),
            known: Bounded::default(),
            hash: RandomState::new(),
            clock: Arc::clone(clock),
        }
    }

    /// Counts a password for an account, whether there is one or not. `account` is its canonical address.
    pub fn password(&self, origin: Origin, account: &str) -> Result<Try<'_>, Exceeded> {
        let place = self.hash.hash_one((origin, account));
        let attempt = self.count(|attempt| {
            self.count_address(attempt, origin)?;
            attempt.take(&self.account, place)?;
            if self.known.knows(place) {
                return Ok(());
            }
            let everywhere = attempt.take(&self.everywhere, self.hash.hash_one(account));
            everywhere.or_else(|_| attempt.take(&self.stranger, place))
        })?;
        Ok(Try { place: Some(place), ..attempt })
    }

    /// Counts a code of a factor, or one in its place, for the account with this uid. Whoever tries has shown the rest, and a
    /// code is short: where none was right before, there is no way round the limit of all addresses together.
    pub fn second_factor(&self, origin: Origin, account: &str) -> Result<Try<'_>, Exceeded> {
        let place = self.hash.hash_one(("second factor", origin, account));
        let attempt = self.count(|attempt| {
            self.count_address(attempt, origin)?;
            attempt.take(&self.second_factor, place)?;
            if self.known.knows(place) {
                return Ok(());
            }
            attempt.take(&self.second_factor_everywhere, self.hash.hash_one(("second factor", account)))
        })?;
        Ok(Try { place: Some(place), ..attempt })
    }

    /// Counts a token, of which it is not known yet whose it is.
    pub fn token(&self, origin: Origin) -> Result<Try<'_>, Exceeded> {
        self.count(|attempt| self.count_address(attempt, origin))
    }

    /// Counts a new account. Whether it can be made does not matter: the answer says whether there is one already.
    pub fn sign_up(&self, origin: Origin) -> Result<(), Exceeded> {
        let counted = self.count(|attempt| {
            attempt.take(&self.sign_up, self.hash.hash_one(origin))?;
            origin.site().map_or(Ok(()), |site| attempt.take(&self.sign_up_site, self.hash.hash_one(site)))
        });
        counted.map(drop)
    }

    /// Counts a sign-in that is begun at a provider. Whether it is finished does not matter: what was begun is kept for a while.
    pub fn provider(&self, origin: Origin) -> Result<(), Exceeded> {
        let counted = self.count(|attempt| {
            attempt.take(&self.provider, self.hash.hash_one(origin))?;
            origin.site().map_or(Ok(()), |site| attempt.take(&self.provider_site, self.hash.hash_one(site)))
        });
        counted.map(drop)
    }

    /// Counts a mail that somebody asks for, whoever gets it, and whether anybody does.
    pub fn mail(&self, origin: Origin) -> Result<(), Exceeded> {
        let counted = self.count(|attempt| {
            attempt.take(&self.mail, self.hash.hash_one(origin))?;
            origin.site().map_or(Ok(()), |site| attempt.take(&self.mail_site, self.hash.hash_one(site)))
        });
        counted.map(drop)
    }

    /// Counts a passkey that somebody asks for: each is a row for some minutes.
    pub fn challenge(&self, origin: Origin) -> Result<(), Exceeded> {
        let counted = self.count(|attempt| {
            attempt.take(&self.challenge, self.hash.hash_one(origin))?;
            origin.site().map_or(Ok(()), |site| attempt.take(&self.challenge_site, self.hash.hash_one(site)))
        });
        counted.map(drop)
    }

    fn count_address<'a>(&'a self, attempt: &mut Try<'a>, origin: Origin) -> Result<(), Exceeded> {
        attempt.take(&self.address, self.hash.hash_one(origin))?;
        origin.site().map_or(Ok(()), |site| attempt.take(&self.address_site, self.hash.hash_one(site)))
    }

    /// What one limit refuses was no try: the others do not count it.
    fn count<'a>(&'a self, count: impl FnOnce(&mut Try<'a>) -> Result<(), Exceeded>) -> Result<Try<'a>, Exceeded> {
        let mut attempt = Try { limits: self, taken: Vec::with_capacity(4), place: None };
        match count(&mut attempt) {
            Ok(()) => Ok(attempt),
            Err(exceeded) => {
                attempt.withdraw();
                Err(exceeded)
            }
        }
    }

    /// Forgets what no longer matters.
    pub fn forget_the_rested(&self) {
        self.buckets().into_iter().for_each(Bucket::forget_the_rested);
    }

    /// Says how many keys are remembered for the limit that remembers most.
    pub fn most_keys(&self) -> usize {
        self.buckets().into_iter().map(Bucket::len).max().unwrap_or_default()
    }

    fn buckets(&self) -> [&Bucket; 15] {
        [
            &self.address,
            &self.address_site,
            &self.account,
            &self.everywhere,
            &self.stranger,
            &self.second_factor,
            &self.second_factor_everywhere,
            &self.sign_up,
            &self.sign_up_site,
            &self.mail,
            &self.mail_site,
            &self.challenge,
            &self.challenge_site,
            &self.provider,
            &self.provider_site,
        ]
    }
}

/// A try that was let through. It stays counted unless it is said to be none: dropping it is failing.
#[must_use = "a try that succeeds has to say so"]
pub struct Try<'a> {
    limits: &'a Limits,
    taken: Vec<(&'a Bucket, u64)>,
    /// The account and from where, to be known when it succeeds.
    place: Option<u64>,
}

impl<'a> Try<'a> {
    fn take(&mut self, bucket: &'a Bucket, key: u64) -> Result<(), Exceeded> {
        bucket.take(key)?;
        self.taken.push((bucket, key));
        Ok(())
    }

    /// The secret was right: it is not counted, and the account is known to be signed in from there.
    pub fn succeeded(self) {
        if let Some(place) = self.place {
            let now = u64::try_from(self.limits.clock.uptime().as_micros()).unwrap_or(u64::MAX);
            self.limits.known.note(place, now);
        }
        self.withdraw();
    }

    /// Nothing was tried after all.
    pub fn withdraw(self) {
        for (bucket, key) in self.taken {
            bucket.give_back(key);
        }
    }
}

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstay_db::{Database, Former};
use mainstay_identity::roles::RESERVED_PREFIX;
use mainstay_identity::{Algorithm, MAX_ACCESS_TOKEN_SECONDS};
use mainstay_keys::{KeyEncryptionKey, KeySetting};
use mainstay_outbound::OutboundConfig;
use mainstay_record::role::is_role;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::captcha::CaptchaConfig;
use crate::domain::password::{LEAST_MIN_CHARACTERS, MAX_PASSWORD_BYTES};
use crate::domain::session::Timeouts;
use crate::domain::signing::{LEAD, Schedule};
use crate::domain::strength::MAX_SCORE;
use crate::error::StartError;
use crate::hashing::HashingConfig;
use crate::hooks::HooksConfig;
use crate::limits::LimitsConfig;
use crate::mail::{Circumstances, MailConfig};
use crate::passkeys::PasskeysConfig;
use crate::providers::{self, ProviderConfig, Redirects, Texts};

/// The SQLite file in the data directory.
pub const SQLITE_FILE: &str = "auth.sqlite";

/// The development key-encryption key in the data directory.
pub const KEY_FILE: &str = "auth.key";

/// Where the key-encryption key and the database are configured.
pub(crate) const KEY_SETTING: KeySetting =
    KeySetting { setting: "auth.key_encryption_key", database: "auth.database_url" };

/// The section `auth` of the configuration. Every field has a default; in production only `key_encryption_key` must be set.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://user:password@host:port/database?sslmode=verify-full` puts the service on PostgreSQL; without it, an SQLite
    /// file in the data directory.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub database_url: Option<SecretString>,
    /// Connections to PostgreSQL; absent: the store's own default.
    pub database_pool_size: Option<usize>,
    /// The key that seals the signing keys in the database: 32 bytes in base64. All replicas have the same.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>")]
    pub key_encryption_key: Option<SecretString>,
    /// Whether anybody may make an account.
    pub sign_up: SignUp,
    /// Whether anybody may make an account without an address (`SignInAnonymously`).
    pub anonymous_sign_in: AnonymousSignIn,
    /// For how many days an account without an address is kept that has no session any more; 0: for ever.
    pub anonymous_keep_days: u32,
    /// Fewest characters of a new password.
    pub password_min_characters: usize,
    /// How hard to guess a new password has to be: from 0, which is anything, over 2, which holds against guesses over the
    /// network, to 4.
    pub password_min_score: u8,
    /// A file with the SHA-1 of passwords that were found in breaches, which nobody may choose: 40 hexadecimal digits a line,
    /// ordered, with or without `:` and a number behind.
    pub password_breach_list: Option<PathBuf>,
    /// What hashing a password costs.
    pub password_hashing: HashingConfig,
    /// Who has to agree before an account has another address.
    pub email_change: EmailChange,
    /// What the installation is called where people see it: in apps that make codes, for one. Absent: the name in
    /// `auth.mail.from`, or the host of `public_url`.
    pub application: Option<String>,
    /// Who may make an organisation.
    pub create_organisations: CreateOrganisations,
    /// Whether `mainstay.admin` and `mainstay.impersonator` are worth something only in a session in which a second factor was shown.
    /// In others, what is for who holds them is refused with what would help.
    pub administrators_second_factor: bool,
    /// Whom those who may act as others (`mainstay.impersonator`) may act as, and what they may do then.
    pub impersonation: ImpersonationConfig,
    /// Where passkeys are good.
    pub passkeys: PasskeysConfig,
    /// What mails look like and how they are sent.
    pub mail: MailConfig,
    /// What whoever signs up, signs in anonymously or has a mail sent solves first; absent: nothing.
    pub captcha: Option<CaptchaConfig>,
    /// What of the application is asked and told.
    pub hooks: HooksConfig,
    /// How often secrets may be tried and accounts be made.
    pub limits: LimitsConfig,
    /// Providers of identities that people come in by, such as Google, each under an id of your own.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// The pages and applications that people come back to from a provider, each as it is: `https://app.example.org/signed-in`, or
    /// `com.example.app:/signed-in` for one on a telephone. Providers have to know them, too.
    #[schemars(with = "Vec<String>")]
    pub redirect_uris: Texts,
    /// What is called outside.
    pub outbound: OutboundConfig,
    /// For how long an access token is valid, seconds.
    pub access_token_seconds: u32,
    /// After how long without a refresh a session is over, seconds.
    pub session_idle_seconds: u64,
    /// After how long a session is over although it is used, seconds.
    pub session_absolute_seconds: u64,
    /// For how many days an event of the audit log is kept; 0: for ever.
    pub audit_keep_days: u32,
    /// For how long a key signs, seconds.
    pub signing_key_seconds: u64,
    /// How access tokens are signed. Where it is changed, the next key is made at once and signs a quarter of an hour later, when
    /// every verifier has it; tokens of the former one stay good.
    pub signing_algorithm: SigningAlgorithm,
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// Ed25519: small and quick.
    #[default]
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA over P-256, for verifiers that know no Ed25519.
    #[serde(rename = "ES256")]
    Es256,
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Algorithm {
        match algorithm {
            SigningAlgorithm::EdDsa => Algorithm::EdDsa,
            SigningAlgorithm::Es256 => Algorithm::Es256,
        }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Anybody.
    #[default]
    Open,
    /// Whoever is invited to an organisation, with the link of that; all others are made by administrators.
    Invited,
    /// Only administrators, with `CreateAccount`.
    Closed,
}

/// Who may make an account without an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnonymousSignIn {
    /// Anybody.
    Open,
    /// Nobody.
    #[default]
    Closed,
}

/// Who may make an organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CreateOrganisations {
    /// Everybody who is signed in.
    #[default]
    Open,
    /// Only administrators.
    Closed,
}

/// Who has to agree before an account has another address. The new address has to be proved in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmailChange {
    /// The old address too, where it was verified: who has stolen a session and a password cannot take the account along.
    #[default]
    Both,
    /// Nobody else.
    New,
}

/// The section `auth.impersonation` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImpersonationConfig {
    /// Whether whoever acts as somebody else may ask to change what belongs to the application. They change nothing of the account
    /// in any case.
    pub allow_write: bool,
    /// Roles that an account may hold and be acted as by somebody who does not hold them. Any other role keeps out whoever does not
    /// hold it; one that begins with `mainstay.` keeps out everybody.
    pub roles: Vec<String>,
}

/// Longest name of the installation.
const MAX_APPLICATION_BYTES: usize = 64;

const DAY: u64 = 24 * 60 * 60;

impl Default for Config {
    fn default() -> Config {
        Config {
            database_url: None,
            database_pool_size: None,
            key_encryption_key: None,
            sign_up: SignUp::Open,
            anonymous_sign_in: AnonymousSignIn::default(),
            anonymous_keep_days: 30,
            password_min_characters: LEAST_MIN_CHARACTERS,
            password_min_score: 2,
            password_breach_list: None,
            password_hashing: HashingConfig::default(),
            email_change: EmailChange::default(),
            administrators_second_factor: false,
            application: None,
            create_organisations: CreateOrganisations::default(),
            impersonation: ImpersonationConfig::default(),
            passkeys: PasskeysConfig::default(),
            mail: MailConfig::default(),
            captcha: None,
            hooks: HooksConfig::default(),
            limits: LimitsConfig::default(),
            providers: BTreeMap::new(),
            redirect_uris: Texts::default(),
            outbound: OutboundConfig::default(),
            access_token_seconds: 300,
            session_idle_seconds: 14 * DAY,
            session_absolute_seconds: 90 * DAY,
            audit_keep_days: 400,
            signing_key_seconds: 30 * DAY,
            signing_algorithm: SigningAlgorithm::EdDsa,
        }
    }
}

impl Config {
    /// Finds everything that is wrong with the values, each as its path and what to do.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, path: &'static str, remedy: String| {
            if !holds {
                problems.push((path, remedy));
            }
        };
        require(
            (LEAST_MIN_CHARACTERS..=MAX_PASSWORD_BYTES / 4).contains(&self.password_min_characters),
            "password_min_characters",
            format!("must be {LEAST_MIN_CHARACTERS} to {}", MAX_PASSWORD_BYTES / 4),
        );
        require(self.password_min_score <= MAX_SCORE, "password_min_score", format!("must be 0 to {MAX_SCORE}"));
        require(
            (1..=MAX_ACCESS_TOKEN_SECONDS).contains(&self.access_token_seconds),
            "access_token_seconds",
            format!("must be 1 to {MAX_ACCESS_TOKEN_SECONDS}"),
        );
        require(
            self.session_idle_seconds >= u64::from(self.access_token_seconds),
            "session_idle_seconds",
            "must not be shorter than access_token_seconds".to_owned(),
        );
        require(
            self.session_absolute_seconds >= self.session_idle_seconds,
            "session_absolute_seconds",
            "must not be shorter than session_idle_seconds".to_owned(),
        );
        require(
            self.signing_key_seconds >= 2 * LEAD.as_secs(),
            "signing_key_seconds",
            format!(
                "must be at least {}: the next key is published that long before its use, twice",
                2 * LEAD.as_secs()
            ),
        );
        require(
            self.application.as_ref().is_none_or(|name| !name.trim().is_empty() && name.len() <= MAX_APPLICATION_BYTES),
            "application",
            format!("must be a name of at most {MAX_APPLICATION_BYTES} bytes"),
        );
        require(
            self.impersonation.roles.iter().all(|role| is_role(role) && !role.starts_with(RESERVED_PREFIX)),
            "impersonation.roles",
            format!("must be roles, none of which begins with `{RESERVED_PREFIX}`"),
        );
        problems.extend(self.limits.problems());
        problems.extend(self.mail.problems());
        problems
    }

    /// The same, with what is wrong with providers, whose ids are nobody's but the installation's, and with hooks.
    pub fn all_problems(&self) -> Vec<(String, String)> {
        let own = self.problems().into_iter().map(|(path, remedy)| (path.to_owned(), remedy));
        let redirects = Redirects::new(self.redirect_uris.iter()).err();
        let redirects = redirects.map(|problem| ("redirect_uris".to_owned(), problem.to_string()));
        let outbound = self.outbound.problems().into_iter().map(|(key, remedy)| (format!("outbound.{key}"), remedy));
        let hooks = self.hooks.problems();
        let two_ways = (self.hooks.send_mail.is_some() && self.mail.smtp.is_some()).then(|| {
            (
                "hooks.send_mail".to_owned(),
                "must not be set where auth.mail.smtp is: one of them sends mails".to_owned(),
            )
        });
        let captcha = self.captcha.iter().flat_map(|captcha| captcha.problems(&self.outbound));
        let hooks = hooks.into_iter().chain(two_ways).chain(captcha);
        own.chain(redirects).chain(outbound).chain(hooks).chain(providers::problems(&self.providers)).collect()
    }

    /// Finds what is missing for where it is used, each as its whole path and what to do.
    pub(crate) fn missing(&self, circumstances: &Circumstances) -> Vec<(&'static str, String)> {
        let mut missing = self.mail.missing(circumstances, self.hooks.send_mail.is_some());
        if !circumstances.development {
            let why = "must be https: hooks are told of people and of what opens accounts, and this one is on another machine";
            missing.extend(self.hooks.open_to_others().into_iter().map(|setting| (setting, why.to_owned())));
        }
        missing
    }

    /// What the data directory tells of former starts.
    pub fn former(data_dir: &Path, accept_empty: bool) -> Former {
        Former::of(data_dir, "auth", KEY_FILE, accept_empty)
    }

    /// Opens the service's own database: the configured one, or an SQLite file in `data_dir`.
    pub async fn open_database(&self, data_dir: &Path, former: &Former) -> Result<Database, StartError> {
        let mut storage = mainstay_db::Config { database_url: self.database_url.clone(), ..Default::default() };
        storage.pool_size = self.database_pool_size.unwrap_or(storage.pool_size);
        former.open(&storage, &data_dir.join(SQLITE_FILE)).await.map_err(StartError::Database)
    }

    /// Gives the configured key-encryption key. Without one, development makes its own in `data_dir`; production fails.
    pub fn key_encryption_key(&self, data_dir: &Path, production: bool) -> Result<KeyEncryptionKey, StartError> {
        match &self.key_encryption_key {
            Some(configured) => {
                KeyEncryptionKey::from_base64(configured.expose_secret()).map_err(StartError::KeyEncryptionKey)
            }
            None if production => Err(StartError::NoKeyEncryptionKey),
            None => KeyEncryptionKey::load_or_create(&data_dir.join(KEY_FILE)).map_err(StartError::KeyEncryptionKey),
        }
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts {
            idle: Duration::from_secs(self.session_idle_seconds),
            absolute: Duration::from_secs(self.session_absolute_seconds),
        }
    }

    pub(crate) fn anonymous_kept(&self) -> Option<Duration> {
        let days = self.anonymous_keep_days;
        (days > 0).then(|| Duration::from_secs(u64::from(days) * DAY))
    }

    pub(crate) fn audit_kept(&self) -> Option<Duration> {
        (self.audit_keep_days > 0).then(|| Duration::from_secs(u64::from(self.audit_keep_days) * DAY))
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule {
            rotation_period: Duration::from_secs(self.signing_key_seconds),
            access_token_lifetime: Duration::from_secs(self.access_token_seconds.into()),
            algorithm: self.signing_algorithm.into(),
        }
    }
}

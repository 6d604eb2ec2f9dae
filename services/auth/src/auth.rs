use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mainstay_db::{Database, Former};
use mainstay_identity::{Clock, KeySource, Revocations, SystemClock, Verifier, VerifierConfig};
use mainstay_keys::KeyEncryptionKey;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::account_service_server::AccountServiceServer;
use mainstay_proto::auth::v1::assertion_service_server::AssertionServiceServer;
use mainstay_proto::auth::v1::audit_service_server::AuditServiceServer;
use mainstay_proto::auth::v1::authorization_service_server::AuthorizationServiceServer;
use mainstay_proto::auth::v1::factor_service_server::FactorServiceServer;
use mainstay_proto::auth::v1::key_service_server::KeyServiceServer;
use mainstay_proto::auth::v1::mailbox_service_server::MailboxServiceServer;
use mainstay_proto::auth::v1::o_auth_client_service_server::OAuthClientServiceServer;
use mainstay_proto::auth::v1::organisation_service_server::OrganisationServiceServer;
use mainstay_proto::auth::v1::provider_service_server::ProviderServiceServer;
use mainstay_proto::auth::v1::revocation_service_server::RevocationServiceServer;
use mainstay_proto::auth::v1::service_account_service_server::ServiceAccountServiceServer;
use mainstay_proto::auth::v1::session_service_server::SessionServiceServer;
use mainstay_record::Violation;
use mainstay_runtime::process::PublicUrl;
use mainstay_runtime::{Failure, Jobs};
use mainstay_telemetry::Metrics;
use tonic::service::Routes;

use crate::audit::{self, ChainKey, Failures, Trail};
use crate::captcha::Captcha;
use crate::config::Config;
use crate::core::Core;
use crate::deliver;
use crate::domain::account::{ACCOUNTS, Account};
use crate::domain::one_time_secret::HashKey;
use crate::domain::organisation::ORGANISATIONS;
use crate::domain::role;
use crate::domain::signing::Schedule;
use crate::error::{Error, StartError};
use crate::handlers::account_service::Accounts;
use crate::handlers::accounts;
use crate::handlers::assertions::Assertions;
use crate::handlers::audit::{self as audit_handler, Audit};
use crate::handlers::factor_service::Factors;
use crate::handlers::keys::Keys;
use crate::handlers::mailbox::Mailbox;
use crate::handlers::oauth::{Authorization, Clients};
use crate::handlers::organisation_service::Organisations;
use crate::handlers::providers::ProviderHandler;
use crate::handlers::revocations::Revocations as RevocationHandler;
use crate::handlers::service_account_service::ServiceAccounts;
use crate::handlers::sessions::Sessions;
use crate::handlers::{deleting, disabling, ending, first_administrator, importing, listing, removing};
use crate::hashing::Hasher;
use crate::hooks::Hooks;
use crate::jobs;
use crate::limits::Limits;
use crate::mail::{Circumstances, Mail};
use crate::passkeys::Passkeys;
use crate::policy::PasswordPolicy;
use crate::providers::{Providers, Redirects};
use crate::rekey::rekey;
use crate::removing::purge_anonymous;
use crate::signer::Signer;
use crate::signing_keys::{self, KeyRing, load_and_rotate};
use crate::store;
use crate::store::audit::Whose;
use crate::telling;

/// Largest request message. The largest that means something is a password of 4 KiB and an address.
pub const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Largest answer: a page of accounts that have all roles and claims that they may have, or of the mailbox.
pub const MAX_RESPONSE_BYTES: usize = 2 * 1024 * 1024;

/// The full names of the services that [`Auth::routes`] gives.
pub const SERVICES: [&str; 13] = [
    "mainstay.auth.v1.AccountService",
    "mainstay.auth.v1.AssertionService",
    "mainstay.auth.v1.AuditService",
    "mainstay.auth.v1.AuthorizationService",
    "mainstay.auth.v1.FactorService",
    "mainstay.auth.v1.OAuthClientService",
    "mainstay.auth.v1.OrganisationService",
    "mainstay.auth.v1.ProviderService",
    "mainstay.auth.v1.ServiceAccountService",
    "mainstay.auth.v1.SessionService",
    "mainstay.auth.v1.KeyService",
    "mainstay.auth.v1.RevocationService",
    "mainstay.auth.v1.MailboxService",
];

/// The package of those services.
pub const PACKAGE: &str = "mainstay.auth.v1";

/// What the service needs from the process that it runs in.
pub struct Environment {
    /// The service's own database, open; see [`Config::open_database`].
    pub database: Database,
    /// The key that seals the signing keys; see [`Config::key_encryption_key`].
    pub key_encryption_key: KeyEncryptionKey,
    /// What tokens say of their issuer and audience: the same as every verifier expects.
    pub tokens: VerifierConfig,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where links in mails begin. Mail is not sent without it, outside development.
    pub public_url: Option<PublicUrl>,
    /// Whether conveniences are on that a production system must not have: mails go into a mailbox where no way out is
    /// configured.
    pub development: bool,
    /// What is known of former starts; nothing where nobody may have stored anything.
    pub former: Option<Former>,
    /// How old what is known of revocations may be; nothing where it may be of any age.
    pub max_revocation_age: Option<Duration>,
}

impl Environment {
    /// Takes the machine's clock, and nothing that only development has.
    pub fn new(database: Database, key_encryption_key: KeyEncryptionKey, tokens: VerifierConfig) -> Environment {
        let clock = Arc::new(SystemClock);
        let (public_url, development) = (None, false);
        let (former, max_revocation_age) = (None, None);
        Environment { database, key_encryption_key, tokens, clock, public_url, development, former, max_revocation_age }
    }
}

/// The running auth service. Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    schedule: Schedule,
}

/// Starts the service: brings its tables up to date, opens or makes its signing keys.
pub async fn start(config: &Config, environment: Environment) -> Result<Auth, StartError> {
    let Environment {
        database,
        key_encryption_key,
        tokens,
        clock,
        public_url,
        development,
        former,
        max_revocation_age,
    } = environment;
    let circumstances = Circumstances { development, public_url };
    check(config, &circumstances)?;
    let mail = Mail::new(&config.mail, config.hooks.send_mail.is_some(), &circumstances)?;
    let application = application(config, mail.as_ref(), &circumstances);
    let passkeys = Passkeys::new(&config.passkeys, &circumstances, &application)?;
    let providers = providers(config, &clock, circumstances.public_url.as_ref())?;
    let hasher = Hasher::new(&config.password_hashing).map_err(StartError::Hashing)?;
    database.migrate(store::SQLITE_MIGRATIONS, store::POSTGRES_MIGRATIONS).await?;
    let former_are_left = rekey(&database).await?;
    let schedule = config.schedule();
    let ring = open_keys(&database, &key_encryption_key, former, (schedule, clock.now_micros())).await?;
    let chain_key = Arc::new(ChainKey::of(&key_encryption_key).map_err(StartError::ChainKey)?);
    let (signer, verifier) = signing(ring, tokens, config, &clock);
    let core = Arc::new(Core {
        captcha: captcha(config, circumstances.public_url.as_ref())?,
        hooks: Hooks::new(&config.hooks, Arc::clone(&signer))?,
        database,
        former_are_left,
        hasher,
        limits: Limits::new(&config.limits, &clock),
        hash_key: hash_key(&key_encryption_key)?,
        key_encryption_key,
        mail,
        impersonation: config.impersonation.clone(),
        passkeys,
        application,
        issuer: circumstances.public_url.as_ref().filter(|url| url.is_private()).map(ToString::to_string),
        email_change: config.email_change,
        development,
        chain_key,
        signer,
        verifier,
        revocations: Revocations::unheard(Arc::clone(&clock), max_revocation_age),
        clock,
        sign_up: config.sign_up,
        create_organisations: config.create_organisations,
        anonymous_sign_in: config.anonymous_sign_in,
        anonymous_kept: config.anonymous_kept(),
        passwords: PasswordPolicy::new(config)?,
        providers,
        timeouts: config.timeouts(),
        audit_kept: config.audit_kept(),
        failures: Failures::default(),
        revocations_read: AtomicI64::new(0),
        stop: OnceLock::new(),
    });
    look_around(config, &core).await?;
    Ok(Auth(Arc::new(Inner { core, schedule })))
}

/// What makes tokens, and what verifies them.
fn signing(ring: KeyRing, tokens: VerifierConfig, config: &Config, clock: &Arc<dyn Clock>) -> (Arc<Signer>, Verifier) {
    let signer = Arc::new(Signer::new(ring, tokens.clone(), config, Arc::clone(clock)));
    let verifier = Verifier::with_clock(tokens, Arc::clone(&signer) as Arc<dyn KeySource>, Arc::clone(clock));
    (signer, verifier)
}

fn hash_key(key: &KeyEncryptionKey) -> Result<Arc<HashKey>, StartError> {
    let derived = key.derive(b"one-time secrets").map_err(StartError::KeyEncryptionKey)?;
    Ok(Arc::new(HashKey::new(derived.as_slice())))
}

/// Refuses what cannot work.
fn check(config: &Config, circumstances: &Circumstances) -> Result<(), StartError> {
    let problems = config.all_problems();
    if !problems.is_empty() {
        return Err(StartError::Config(problems));
    }
    let missing = config.missing(circumstances);
    if missing.is_empty() { Ok(()) } else { Err(StartError::Missing(missing)) }
}

/// Reads what has to be known before anybody is let in.
async fn look_around(config: &Config, core: &Core) -> Result<(), StartError> {
    core.revocations.limit_lifetime(config.access_token_seconds.into());
    core.read_revocations().await.map_err(StartError::Revocations)?;
    importing::follow_foreign(core).await
}

/// The providers of the settings, whose problems were looked for before.
fn providers(config: &Config, clock: &Arc<dyn Clock>, public_url: Option<&PublicUrl>) -> Result<Providers, StartError> {
    let outside = mainstay_outbound::Client::new(&config.outbound)?;
    let redirects = Redirects::new(config.redirect_uris.iter()).unwrap_or_default();
    Ok(Providers::new(&config.providers, (redirects, public_url), outside, Arc::clone(clock)))
}

/// What has to be solved, where anything has.
fn captcha(config: &Config, public_url: Option<&PublicUrl>) -> Result<Option<Captcha>, StartError> {
    let Some(captcha) = &config.captcha else { return Ok(None) };
    let outside = mainstay_outbound::Client::new(&config.outbound)?;
    Ok(Some(Captcha::new(captcha, outside, public_url.map(PublicUrl::host))))
}

/// What people know the installation by.
fn application(config: &Config, mail: Option<&Mail>, circumstances: &Circumstances) -> String {
    let of_mail = || mail.map(|mail| mail.application().to_owned());
    let host = || circumstances.public_url.as_ref().map(|url| url.host().to_owned());
    config.application.clone().or_else(of_mail).or_else(host).unwrap_or_else(|| "Mainstay".to_owned())
}

/// Opens the signing keys, or makes the first. A database that has none, where there were some, is not the one that was used.
async fn open_keys(
    database: &Database,
    key: &KeyEncryptionKey,
    former: Option<Former>,
    (schedule, now): (Schedule, i64),
) -> Result<KeyRing, StartError> {
    if let Some(former) = &former
        && !signing_keys::any(database).await?
    {
        former.refuse_empty(|| "the database".to_owned())?;
    }
    let ring = load_and_rotate(database, key, schedule, now).await?;
    if let Some(former) = former {
        former.record()?;
    }
    Ok(ring)
}

impl Auth {
    /// Gives the gRPC services. They expect to stand behind a stack that says who calls and lets in who may.
    pub fn routes(&self) -> Routes {
        let core = &self.0.core;
        let accounts = AccountServiceServer::new(Accounts(Arc::clone(core)));
        let sessions = SessionServiceServer::new(Sessions(Arc::clone(core)));
        let factors = FactorServiceServer::new(Factors(Arc::clone(core)));
        let keys = KeyServiceServer::new(Keys(Arc::clone(core)));
        let organisations = OrganisationServiceServer::new(Organisations(Arc::clone(core)));
        let services = ServiceAccountServiceServer::new(ServiceAccounts(Arc::clone(core)));
        let providers = ProviderServiceServer::new(ProviderHandler(Arc::clone(core)));
        let audit = AuditServiceServer::new(Audit(Arc::clone(core)));
        let assertions = AssertionServiceServer::new(Assertions(Arc::clone(core)));
        let revocations = RevocationServiceServer::new(RevocationHandler(Arc::clone(core)));
        let mailbox = MailboxServiceServer::new(Mailbox(Arc::clone(core)));
        let authorization = AuthorizationServiceServer::new(Authorization(Arc::clone(core)));
        let clients = OAuthClientServiceServer::new(Clients(Arc::clone(core)));
        Routes::new(accounts.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES))
            .add_service(
                sessions.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                factors.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                organisations
                    .max_decoding_message_size(MAX_REQUEST_BYTES)
                    .max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                providers.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                services.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                assertions.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                keys.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                audit.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                revocations.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                authorization
                    .max_decoding_message_size(MAX_REQUEST_BYTES)
                    .max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                clients.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
            .add_service(
                mailbox.max_decoding_message_size(MAX_REQUEST_BYTES).max_encoding_message_size(MAX_RESPONSE_BYTES),
            )
    }

    /// Gives the public keys to verifiers in the same process.
    pub fn key_source(&self) -> Arc<dyn KeySource> {
        Arc::clone(&self.0.core.signer) as Arc<dyn KeySource>
    }

    /// Gives what was revoked to verifiers in the same process. It is kept up to date from the start of the jobs on.
    pub fn revocations(&self) -> Revocations {
        self.0.core.revocations.clone()
    }

    /// Finds out whether the service can do its work; for readiness.
    pub async fn ping(&self) -> Result<(), mainstay_db::Error> {
        self.0.core.database.ping().await
    }

    /// Says how much password hashing has been done, in KiB of memory times passes.
    pub fn hashing_effort(&self) -> u64 {
        self.0.core.hasher.effort()
    }

    /// Says how many keys the limits remember at most, for one of them.
    pub fn limit_keys(&self) -> usize {
        self.0.core.limits.most_keys()
    }

    /// Takes no more work and closes the store.
    pub async fn close(&self) {
        self.0.core.database.close().await;
    }

    /// Does from now on what has to happen without a call.
    pub fn start_jobs(&self, jobs: &Jobs) {
        // Streams that are opened from now on end with the jobs.
        let _ = self.0.core.stop.set(jobs.stop().clone());
        self.0.core.hooks.count_in(jobs.metrics());
        if let Some(captcha) = &self.0.core.captcha {
            captcha.count_in(jobs.metrics());
        }
        jobs::start(jobs, &self.0.core, self.0.schedule);
    }

    /// Sends the mails that are due, once: what a job does as they come.
    pub async fn deliver_mails(&self, metrics: &Metrics) -> Result<(), Failure> {
        deliver::deliver(&self.0.core, metrics).await
    }

    /// Tells the application's hook of accounts that were made, once: what a job does as they come.
    pub async fn tell_of_sign_ups(&self) -> Result<(), Failure> {
        telling::tell(&self.0.core).await
    }

    /// Rotates keys, ends sessions and secrets that are over, forgets limits that rest and revocations that concern no token any
    /// more, and reads those of other replicas, when that is due: what the jobs do.
    pub async fn maintain(&self) -> Result<(), StartError> {
        jobs::rotate_keys(&self.0.core, self.0.schedule).await?;
        self.0.core.limits.forget_the_rested();
        self.0.core.read_revocations().await.map_err(StartError::Revocations)?;
        jobs::forget_revocations(&self.0.core).await?;
        jobs::sweep_secrets(&self.0.core).await?;
        jobs::tend_audit_log(&self.0.core).await?;
        jobs::end_sessions(&self.0.core).await?;
        purge_anonymous(&self.0.core).await
    }

    /// Makes an account with roles, for the command line on a store that it has opened itself.
    pub async fn create_account(&self, email: &str, password: &str, roles: &[String]) -> Result<Account, Error> {
        let wanted = accounts::read_new(&self.0.core, "", (email, password), roles).await?;
        accounts::create_unasked(&self.0.core, wanted).await
    }

    /// Adds a role to the account that has this address, for the command line on a store that it has opened itself.
    pub async fn grant_role(&self, email: &str, wanted: &str) -> Result<Account, Error> {
        role::check(wanted).map_err(|problem| Error::Violations(vec![Violation::new("role", problem)]))?;
        let account = accounts::find_by_email(&self.0.core, email).await?;
        let wanted = wanted.to_owned();
        let change = move |held: &[String]| role::with(held, &wanted);
        accounts::change_roles(&self.0.core, Trail::of_command_line(), account.id, String::new(), change).await
    }

    /// Takes a role from the account that has this address, for the command line on a store that it has opened itself. Says
    /// whether it had the role.
    pub async fn revoke_role(&self, email: &str, unwanted: &str) -> Result<bool, Error> {
        let account = accounts::find_by_email(&self.0.core, email).await?;
        if !account.roles.iter().any(|held| held == unwanted) {
            return Ok(false);
        }
        let unwanted = unwanted.to_owned();
        let change = move |held: &[String]| role::without(held, &unwanted);
        let changed =
            accounts::change_roles(&self.0.core, Trail::of_command_line(), account.id, String::new(), change).await;
        changed.map(|_| true)
    }

    /// Gives every event of the audit log its place in the chain, as the job does each second.
    pub async fn give_places(&self) -> Result<(), Error> {
        audit::store_failures(&self.0.core).await?;
        audit::give_places(&self.0.core).await
    }

    /// Lists events of the audit log, for the command line on a store that it has opened itself.
    pub async fn list_audit_events(
        &self,
        request: pb::ListAuditEventsRequest,
    ) -> Result<pb::ListAuditEventsResponse, Error> {
        let account = request.parent.strip_prefix(ACCOUNTS).filter(|uid| *uid != "-");
        let whose = match (request.parent.strip_prefix(ORGANISATIONS), account) {
            (Some(organisation), _) => Whose::Organisation(organisation.to_owned()),
            (None, Some(account)) => Whose::Account(account.to_owned()),
            (None, None) => Whose::All,
        };
        let reader = audit_handler::Reader { uid: "", sees_networks: true };
        audit_handler::list(&self.0.core, reader, whose, request).await
    }

    /// Disables the account that has this address and ends its sessions, or enables it, for the command line on a store that it
    /// has opened itself.
    pub async fn set_disabled(&self, email: &str, disable: bool) -> Result<Account, Error> {
        let account = accounts::find_by_email(&self.0.core, email).await?;
        disabling::set(&self.0.core, Trail::of_command_line(), account.id, String::new(), disable).await
    }

    /// Ends all sessions of the account that has this address, for the command line on a store that it has opened itself. Says
    /// how many there were.
    pub async fn sign_out_everywhere(&self, email: &str) -> Result<usize, Error> {
        let account = accounts::find_by_email(&self.0.core, email).await?;
        ending::end_all(&self.0.core, Trail::of_command_line(), account.id, None).await
    }

    /// Removes all factors of the account that has this address, for the command line on a store that it has opened itself. Says
    /// how many there were.
    pub async fn reset_factors(&self, email: &str) -> Result<usize, Error> {
        let account = accounts::find_by_email(&self.0.core, email).await?;
        removing::reset_all(&self.0.core, Trail::of_command_line(), account.id).await
    }

    /// Makes accounts that come from elsewhere, for the command line on a store that it has opened itself.
    pub async fn import_accounts(
        &self,
        request: pb::ImportAccountsRequest,
    ) -> Result<pb::ImportAccountsResponse, Error> {
        importing::perform(&self.0.core, Trail::of_command_line(), request).await
    }

    /// Makes the token that makes the first administrator, where nobody administers and nobody has before. It is to be shown to
    /// whoever starts the installation, and to nobody else.
    pub async fn offer_first_administrator(&self) -> Result<Option<String>, Error> {
        first_administrator::offer(&self.0.core).await
    }

    /// Removes the account that has this address, for the command line on a store that it has opened itself.
    pub async fn delete_account(&self, email: &str) -> Result<(), Error> {
        let account = accounts::find_by_email(&self.0.core, email).await?;
        deleting::perform(&self.0.core, Trail::of_command_line(), account.id, String::new()).await
    }

    /// Gives the name of the account that has this address, for the command line on a store that it has opened itself.
    pub async fn look_up(&self, email: &str) -> Result<String, Error> {
        Ok(format!("{ACCOUNTS}{}", accounts::find_by_email(&self.0.core, email).await?.id))
    }

    /// Gives what the handlers of organisations work with, for the command line on a store that it has opened itself.
    pub(crate) fn core(&self) -> &Core {
        &self.0.core
    }

    /// Verifies the audit log, for the command line on a store that it has opened itself.
    pub async fn verify_audit_log(
        &self,
        request: &pb::VerifyAuditLogRequest,
    ) -> Result<pb::VerifyAuditLogResponse, Error> {
        audit_handler::verify(&self.0.core, request).await
    }

    /// Lists accounts, for the command line on a store that it has opened itself.
    pub async fn list_accounts(&self, request: pb::ListAccountsRequest) -> Result<pb::ListAccountsResponse, Error> {
        listing::list(&self.0.core, "", request).await
    }
}

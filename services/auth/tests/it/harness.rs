//! The real service in process, behind the real stack, on a fresh database, with a clock that tests move.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use mainstay_auth::{Auth, Config, Environment, PACKAGE, StartError, start};
use mainstay_db::{Database, Engine};
use mainstay_fault::{Fault, Reason};
use mainstay_identity::{Authenticator, Clock, OPERATOR, Principal, ServiceKeys, TokenError, Verifier, VerifierConfig};
use mainstay_keys::KeyEncryptionKey;
use mainstay_layers::stack::{self, Guards};
use mainstay_layers::{Peer, RoutesEndpoint, Shed, Stack, Timeouts};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::account_service_client::AccountServiceClient;
use mainstay_proto::auth::v1::audit_service_client::AuditServiceClient;
use mainstay_proto::auth::v1::factor_service_client::FactorServiceClient;
use mainstay_proto::auth::v1::key_service_client::KeyServiceClient;
use mainstay_proto::auth::v1::mailbox_service_client::MailboxServiceClient;
use mainstay_proto::auth::v1::revocation_service_client::RevocationServiceClient;
use mainstay_proto::auth::v1::session_service_client::SessionServiceClient;
pub use mainstay_proto::auth::v1::step_up_request::Factor as Shown;
use mainstay_telemetry::Telemetry;
use mainstay_testkit::database::{Place, place};
use prost_reflect::DescriptorPool;
use secrecy::SecretString;
use tonic::{Request, Status};

pub const PASSWORD: &str = "correct horse battery";
pub const KEY: [u8; 32] = [7; 32];
/// Where links in mails begin.
pub const PUBLIC_URL: &str = "https://app.example.org";
const OPERATOR_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A clock that stands until time passes or somebody sets it.
pub struct TestClock {
    micros: AtomicI64,
    uptime_micros: AtomicU64,
}

impl TestClock {
    pub fn new() -> Arc<TestClock> {
        Arc::new(TestClock { micros: AtomicI64::new(1_800_000_000_000_000), uptime_micros: AtomicU64::new(0) })
    }

    /// Lets time pass; where the number is negative, somebody sets the clock back, and no time passes.
    pub fn advance_seconds(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.uptime_micros.fetch_add(u64::try_from(seconds).unwrap_or(0) * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        self.micros.load(Ordering::SeqCst)
    }

    fn uptime(&self) -> Duration {
        Duration::from_micros(self.uptime_micros.load(Ordering::SeqCst))
    }
}

/// A configuration whose password hashes cost next to nothing, and whose limits nobody reaches.
pub fn config() -> Config {
    let mut config = Config::default();
    config.password_hashing.memory_kib = 16;
    config.password_hashing.iterations = 1;
    config.limits.address_burst = 100_000;
    config.limits.account_burst = 100_000;
    config.limits.account_everywhere_burst = 100_000;
    config.limits.sign_up_burst = 100_000;
    config.limits.mail_burst = 100_000;
    config.limits.provider_burst = 100_000;
    config.limits.second_factor_burst = 100_000;
    config.limits.challenge_burst = 100_000;
    config.limits.second_factor_everywhere_burst = 100_000;
    config
}

/// The same with the limits that an installation has which configures none.
pub fn limited() -> Config {
    Config { limits: Config::default().limits, ..config() }
}

pub struct Harness {
    pub auth: Auth,
    pub clock: Arc<TestClock>,
    pub database: Database,
    pub verifier: Verifier,
    pub caller: Caller,
    place: Place,
}

impl Harness {
    pub async fn start(engine: Engine) -> Harness {
        Harness::with_config(engine, &config()).await
    }

    pub async fn with_config(engine: Engine, config: &Config) -> Harness {
        Harness::open(place(engine).await, TestClock::new(), config).await
    }

    async fn open(place: Place, clock: Arc<TestClock>, config: &Config) -> Harness {
        let database = Database::open(&place.config, &place.path).await.unwrap();
        let auth = start_on(&database, &clock, config, &KEY).await.unwrap();
        let (verifier, caller) = serve(&auth, &clock);
        Harness { auth, clock, database, verifier, caller, place }
    }

    /// Ends the service and starts it again on what it has stored.
    pub async fn restart(self, config: &Config) -> Harness {
        let Harness { auth, clock, database, place, .. } = self;
        drop(auth);
        database.close().await;
        Harness::open(place, clock, config).await
    }

    /// Somebody who has signed up and in.
    pub async fn user(&self, email: &str) -> (pb::Account, pb::Credentials) {
        let account = self.caller.sign_up(email, PASSWORD).await.unwrap();
        let credentials = self.caller.sign_in(email, PASSWORD).await.unwrap();
        (account, credentials)
    }

    /// The bytes of the store where it is a file; nothing of them is left in memory alone.
    pub fn file(&self) -> Vec<u8> {
        let log = self.place.path.with_extension("db-wal");
        [&self.place.path, &log].into_iter().filter_map(|path| std::fs::read(path).ok()).flatten().collect()
    }

    /// Sends what is due, and gives the mailbox: the newest first.
    pub async fn mails(&self) -> Vec<pb::Mail> {
        self.auth.deliver_mails(Telemetry::quiet().metrics()).await.unwrap();
        self.caller.from("127.0.0.1").list_mails(25, "").await.unwrap().mails
    }

    /// The newest mail of a kind to an address.
    pub async fn mail(&self, kind: &str, to: &str) -> pb::Mail {
        let mails = self.mails().await;
        let of_kind = mails.iter().find(|mail| mail.kind == kind && mail.recipient == to);
        of_kind.unwrap_or_else(|| panic!("no {kind} to {to}: {:?}", subjects(&mails))).clone()
    }

    /// The secret of the newest mail of a kind to an address.
    pub async fn token(&self, kind: &str, to: &str) -> String {
        token_of(&self.mail(kind, to).await)
    }

    pub async fn verify(&self, credentials: &pb::Credentials) -> Result<Principal, TokenError> {
        self.verifier.verify(&credentials.access_token).await
    }
}

/// Starts the service on a database that is open already, sealed with `key`.
pub async fn start_on(
    database: &Database,
    clock: &Arc<TestClock>,
    config: &Config,
    key: &[u8],
) -> Result<Auth, StartError> {
    let key_encryption_key = KeyEncryptionKey::from_bytes(key).unwrap();
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let tokens = VerifierConfig::default();
    let public_url = Some(PUBLIC_URL.parse().unwrap());
    let (database, development) = (database.clone(), true);
    let environment = Environment {
        database,
        key_encryption_key,
        tokens,
        clock,
        public_url,
        development,
        former: None,
        max_revocation_age: None,
    };
    start(config, environment).await
}

/// What a page of the application finds behind the `#` of its address.
pub fn token_of(mail: &pb::Mail) -> String {
    mail.link.split_once("#token=").unwrap().1.to_owned()
}

/// What mails are about and whom they go to.
pub fn subjects(mails: &[pb::Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (mail.kind.as_str(), mail.recipient.as_str())).collect()
}

/// Puts a started service behind the stack of its own listener.
pub fn serve(auth: &Auth, clock: &Arc<TestClock>) -> (Verifier, Caller) {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let verifier = Verifier::with_clock(VerifierConfig::default(), auth.key_source(), clock);
    let services = ServiceKeys::new([
        (OPERATOR.to_owned(), SecretString::from(OPERATOR_SECRET)),
        ("gateway".to_owned(), SecretString::from(OPERATOR_SECRET)),
    ]);
    let telemetry = Telemetry::quiet();
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap();
    let policies = mainstay_runtime::policies::of_packages(&pool, &[PACKAGE], telemetry.metrics());
    let guards = Guards {
        metrics: telemetry.metrics().clone(),
        spans: telemetry.spans(),
        authenticator: Authenticator::new(verifier.clone(), Arc::new(services.unwrap())).judging_by(auth.revocations()),
        shed: Shed::new(1_000),
        timeouts: Timeouts::default(),
        trusted_proxies: mainstay_layers::TrustedProxies::default(),
    };
    let caller = Caller { stack: stack::listener(auth.routes(), policies, guards), bearer: None, peer: None };
    (verifier, caller)
}

/// Calls the service as somebody: nobody unless a method says otherwise.
#[derive(Clone)]
pub struct Caller {
    stack: Stack<RoutesEndpoint>,
    bearer: Option<String>,
    peer: Option<IpAddr>,
}

impl Caller {
    pub fn with_bearer(&self, bearer: &str) -> Caller {
        Caller { bearer: Some(bearer.to_owned()), ..self.clone() }
    }

    /// The same caller at another address.
    pub fn from(&self, address: &str) -> Caller {
        Caller { peer: Some(address.parse().unwrap()), ..self.clone() }
    }

    pub fn as_user(&self, credentials: &pb::Credentials) -> Caller {
        self.with_bearer(&credentials.access_token)
    }

    pub fn as_service(&self, name: &str) -> Caller {
        self.with_bearer(&format!("mainstay-service.{name}.{OPERATOR_SECRET}"))
    }

    pub fn as_operator(&self) -> Caller {
        self.as_service(OPERATOR)
    }

    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(Peer::at(peer));
        }
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        request
    }

    /// The service itself, for calls that no client is made for.
    pub fn stack(&self) -> Stack<RoutesEndpoint> {
        self.stack.clone()
    }

    pub fn accounts(&self) -> AccountServiceClient<Stack<RoutesEndpoint>> {
        AccountServiceClient::new(self.stack.clone())
    }

    pub fn sessions(&self) -> SessionServiceClient<Stack<RoutesEndpoint>> {
        SessionServiceClient::new(self.stack.clone())
    }

    pub fn factors(&self) -> FactorServiceClient<Stack<RoutesEndpoint>> {
        FactorServiceClient::new(self.stack.clone())
    }

    pub fn audit(&self) -> AuditServiceClient<Stack<RoutesEndpoint>> {
        AuditServiceClient::new(self.stack.clone())
    }

    pub fn keys(&self) -> KeyServiceClient<Stack<RoutesEndpoint>> {
        KeyServiceClient::new(self.stack.clone())
    }

    pub fn mailbox(&self) -> MailboxServiceClient<Stack<RoutesEndpoint>> {
        MailboxServiceClient::new(self.stack.clone())
    }

    pub async fn list_mails(&self, page_size: i32, page_token: &str) -> Result<pb::ListMailsResponse, Fault> {
        let message = pb::ListMailsRequest { page_size, page_token: page_token.to_owned() };
        answer(self.mailbox().list_mails(self.request(message)).await)
    }

    pub async fn get_mail(&self, name: &str) -> Result<pb::Mail, Fault> {
        answer(self.mailbox().get_mail(self.request(pb::GetMailRequest { name: name.to_owned() })).await)
    }

    /// Gives the id of the request.
    pub async fn request_sign_in(&self, email: &str) -> Result<String, Fault> {
        let message = pb::RequestSignInRequest { email: email.to_owned(), ..Default::default() };
        answer(self.sessions().request_sign_in(self.request(message)).await).map(|answer| answer.request_id)
    }

    pub async fn sign_in_with_link(&self, token: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInWithLinkRequest { token: token.to_owned() };
        answer(self.sessions().sign_in_with_link(self.request(message)).await)
    }

    pub async fn sign_in_with_code(&self, request_id: &str, code: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInWithCodeRequest { request_id: request_id.to_owned(), code: code.to_owned() };
        answer(self.sessions().sign_in_with_code(self.request(message)).await)
    }

    pub async fn sign_in_with_totp(&self, challenge: &str, code: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInWithTotpRequest { challenge: challenge.to_owned(), code: code.to_owned() };
        answer(self.sessions().sign_in_with_totp(self.request(message)).await)
    }

    pub async fn sign_in_with_recovery_code(&self, challenge: &str, code: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInWithRecoveryCodeRequest { challenge: challenge.to_owned(), code: code.to_owned() };
        answer(self.sessions().sign_in_with_recovery_code(self.request(message)).await)
    }

    pub async fn step_up(&self, factor: Shown) -> Result<pb::Credentials, Fault> {
        answer(self.sessions().step_up(self.request(pb::StepUpRequest { factor: Some(factor) })).await)
    }

    pub async fn enroll_totp(&self, parent: &str, display_name: &str) -> Result<pb::EnrollTotpResponse, Fault> {
        let message = pb::EnrollTotpRequest { parent: parent.to_owned(), display_name: display_name.to_owned() };
        answer(self.factors().enroll_totp(self.request(message)).await)
    }

    pub async fn confirm_totp(&self, name: &str, code: &str) -> Result<pb::ConfirmTotpResponse, Fault> {
        let message = pb::ConfirmTotpRequest { name: name.to_owned(), code: code.to_owned() };
        answer(self.factors().confirm_totp(self.request(message)).await)
    }

    pub async fn begin_passkey(&self, parent: &str) -> Result<pb::BeginPasskeyResponse, Fault> {
        let message = pb::BeginPasskeyRequest { parent: parent.to_owned() };
        answer(self.factors().begin_passkey(self.request(message)).await)
    }

    pub async fn finish_passkey(
        &self,
        challenge: &str,
        credential: prost_types::Struct,
    ) -> Result<pb::FinishPasskeyResponse, Fault> {
        let (parent, challenge, display_name) = ("accounts/me".to_owned(), challenge.to_owned(), String::new());
        let message = pb::FinishPasskeyRequest { parent, challenge, credential: Some(credential), display_name };
        answer(self.factors().finish_passkey(self.request(message)).await)
    }

    pub async fn begin_passkey_sign_in(&self, challenge: &str) -> Result<pb::BeginPasskeySignInResponse, Fault> {
        let message = pb::BeginPasskeySignInRequest { challenge: challenge.to_owned() };
        answer(self.sessions().begin_passkey_sign_in(self.request(message)).await)
    }

    pub async fn sign_in_with_passkey(
        &self,
        challenge: &str,
        credential: prost_types::Struct,
    ) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInWithPasskeyRequest { challenge: challenge.to_owned(), credential: Some(credential) };
        answer(self.sessions().sign_in_with_passkey(self.request(message)).await)
    }

    pub async fn list_factors(&self, parent: &str) -> Result<pb::ListFactorsResponse, Fault> {
        let message = pb::ListFactorsRequest { parent: parent.to_owned(), ..Default::default() };
        answer(self.factors().list_factors(self.request(message)).await)
    }

    pub async fn get_factor(&self, name: &str) -> Result<pb::Factor, Fault> {
        answer(self.factors().get_factor(self.request(pb::GetFactorRequest { name: name.to_owned() })).await)
    }

    pub async fn update_factor(&self, factor: pb::Factor, paths: &[&str]) -> Result<pb::Factor, Fault> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        let message = pb::UpdateFactorRequest { factor: Some(factor), update_mask };
        answer(self.factors().update_factor(self.request(message)).await)
    }

    pub async fn delete_factor(&self, name: &str) -> Result<(), Fault> {
        answer(self.factors().delete_factor(self.request(pb::DeleteFactorRequest { name: name.to_owned() })).await)
    }

    pub async fn regenerate_recovery_codes(&self, parent: &str) -> Result<Vec<String>, Fault> {
        let message = pb::RegenerateRecoveryCodesRequest { parent: parent.to_owned() };
        let answered = answer(self.factors().regenerate_recovery_codes(self.request(message)).await);
        answered.map(|answer| answer.recovery_codes)
    }

    pub async fn reset_factors(&self, parent: &str) -> Result<i32, Fault> {
        let message = pb::ResetFactorsRequest { parent: parent.to_owned() };
        answer(self.factors().reset_factors(self.request(message)).await).map(|answer| answer.removed_factors)
    }

    pub async fn request_verification(&self, name: &str) -> Result<(), Fault> {
        let message = pb::RequestEmailVerificationRequest { name: name.to_owned() };
        answer(self.accounts().request_email_verification(self.request(message)).await)
    }

    pub async fn verify_email(&self, token: &str) -> Result<pb::Account, Fault> {
        answer(self.accounts().verify_email(self.request(pb::VerifyEmailRequest { token: token.to_owned() })).await)
    }

    pub async fn change_email(&self, name: &str, email: &str, password: &str) -> Result<pb::Account, Fault> {
        let (name, email, password) = (name.to_owned(), email.to_owned(), password.to_owned());
        let message = pb::ChangeEmailRequest { name, email, password };
        answer(self.accounts().change_email(self.request(message)).await)
    }

    /// Says whether the account has the new address.
    pub async fn confirm_change(&self, token: &str) -> Result<bool, Fault> {
        let message = pb::ConfirmEmailChangeRequest { token: token.to_owned() };
        answer(self.accounts().confirm_email_change(self.request(message)).await).map(|answer| answer.changed)
    }

    pub async fn request_reset(&self, email: &str) -> Result<(), Fault> {
        let message = pb::RequestPasswordResetRequest { email: email.to_owned(), ..Default::default() };
        answer(self.accounts().request_password_reset(self.request(message)).await)
    }

    pub async fn reset_password(&self, token: &str, new_password: &str) -> Result<(), Fault> {
        let message = pb::ResetPasswordRequest { token: token.to_owned(), new_password: new_password.to_owned() };
        answer(self.accounts().reset_password(self.request(message)).await)
    }

    pub async fn change_password(&self, name: &str, old: &str, new: &str) -> Result<(), Fault> {
        let (name, old_password, new_password) = (name.to_owned(), old.to_owned(), new.to_owned());
        let message = pb::ChangePasswordRequest { name, old_password, new_password };
        answer(self.accounts().change_password(self.request(message)).await)
    }

    pub async fn sign_up(&self, email: &str, password: &str) -> Result<pb::Account, Fault> {
        self.sign_up_in("", email, password).await
    }

    /// Signs up with a language.
    pub async fn sign_up_in(&self, locale: &str, email: &str, password: &str) -> Result<pb::Account, Fault> {
        let (email, password, locale) = (email.to_owned(), password.to_owned(), locale.to_owned());
        let message = pb::SignUpRequest { email, password, locale, ..Default::default() };
        answer(self.accounts().sign_up(self.request(message)).await)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInRequest { email: email.to_owned(), password: password.to_owned() };
        answer(self.sessions().sign_in(self.request(message)).await)
    }

    pub async fn refresh(&self, refresh_token: &str) -> Result<pb::Credentials, Fault> {
        let message = pb::RefreshRequest { refresh_token: refresh_token.to_owned() };
        answer(self.sessions().refresh(self.request(message)).await)
    }

    pub async fn sign_out(&self, refresh_token: &str) -> Result<(), Fault> {
        let message = pb::SignOutRequest { refresh_token: refresh_token.to_owned() };
        answer(self.sessions().sign_out(self.request(message)).await)
    }

    pub async fn get_account(&self, name: &str) -> Result<pb::Account, Fault> {
        answer(self.accounts().get_account(self.request(pb::GetAccountRequest { name: name.to_owned() })).await)
    }

    pub async fn lookup(&self, email: &str) -> Result<pb::Account, Fault> {
        answer(self.accounts().lookup_account(self.request(pb::LookupAccountRequest { email: email.to_owned() })).await)
    }

    pub async fn list(&self, page_size: i32, page_token: &str) -> Result<pb::ListAccountsResponse, Fault> {
        self.search("", page_size, page_token).await
    }

    pub async fn search(
        &self,
        filter: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<pb::ListAccountsResponse, Fault> {
        let (filter, page_token) = (filter.to_owned(), page_token.to_owned());
        let message = pb::ListAccountsRequest { page_size, page_token, filter };
        answer(self.accounts().list_accounts(self.request(message)).await)
    }

    pub async fn create_first(&self, token: &str, email: &str, password: &str) -> Result<pb::Account, Fault> {
        let (token, email, password) = (token.to_owned(), email.to_owned(), password.to_owned());
        let message = pb::CreateFirstAdministratorRequest { token, email, password };
        answer(self.accounts().create_first_administrator(self.request(message)).await)
    }

    pub async fn sign_in_anonymously(&self) -> Result<pb::Credentials, Fault> {
        let message = pb::SignInAnonymouslyRequest::default();
        answer(self.sessions().sign_in_anonymously(self.request(message)).await)
    }

    /// Gives an account that has none an address and a password.
    pub async fn upgrade(&self, name: &str, email: &str, password: &str) -> Result<pb::Account, Fault> {
        let (name, email, password) = (name.to_owned(), email.to_owned(), password.to_owned());
        let message = pb::UpgradeAccountRequest { name, email, password };
        answer(self.accounts().upgrade_account(self.request(message)).await)
    }

    pub async fn delete(&self, name: &str, password: &str, etag: &str) -> Result<(), Fault> {
        let (name, password, etag) = (name.to_owned(), password.to_owned(), etag.to_owned());
        answer(self.accounts().delete_account(self.request(pb::DeleteAccountRequest { name, password, etag })).await)
    }

    pub async fn erase(&self, name: &str, password: &str) -> Result<pb::EraseAccountResponse, Fault> {
        let (name, password) = (name.to_owned(), password.to_owned());
        self.erase_with(pb::EraseAccountRequest { name, password, ..Default::default() }).await
    }

    pub async fn erase_with(&self, message: pb::EraseAccountRequest) -> Result<pb::EraseAccountResponse, Fault> {
        answer(self.accounts().erase_account(self.request(message)).await)
    }

    /// All that is known of an account.
    pub async fn export(&self, name: &str) -> Result<Vec<pb::export_account_response::Item>, Fault> {
        let message = pb::ExportAccountRequest { name: name.to_owned() };
        let mut stream = answer(self.accounts().export_account(self.request(message)).await)?;
        let mut items = Vec::new();
        while let Some(told) = stream.message().await.unwrap() {
            items.extend(told.item);
        }
        Ok(items)
    }

    pub async fn set_roles(&self, name: &str, roles: &[&str], etag: &str) -> Result<pb::Account, Fault> {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let message = pb::SetRolesRequest { name: name.to_owned(), roles, etag: etag.to_owned() };
        answer(self.accounts().set_roles(self.request(message)).await)
    }

    pub async fn create_account(&self, email: &str, password: &str, roles: &[&str]) -> Result<pb::Account, Fault> {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let account = Some(pb::Account { email: email.to_owned(), roles, ..pb::Account::default() });
        let message = pb::CreateAccountRequest { account, password: password.to_owned() };
        answer(self.accounts().create_account(self.request(message)).await)
    }

    /// Changes an account; without paths, what is populated.
    pub async fn update(&self, account: pb::Account, paths: &[&str]) -> Result<pb::Account, Fault> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let update_mask = (!paths.is_empty()).then_some(prost_types::FieldMask { paths });
        let message = pb::UpdateAccountRequest { account: Some(account), update_mask };
        answer(self.accounts().update_account(self.request(message)).await)
    }

    pub async fn get_session(&self, name: &str) -> Result<pb::Session, Fault> {
        answer(self.sessions().get_session(self.request(pb::GetSessionRequest { name: name.to_owned() })).await)
    }

    pub async fn list_sessions(
        &self,
        parent: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<pb::ListSessionsResponse, Fault> {
        let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
        let message = pb::ListSessionsRequest { parent, page_size, page_token };
        answer(self.sessions().list_sessions(self.request(message)).await)
    }

    pub async fn revoke_session(&self, name: &str) -> Result<(), Fault> {
        answer(self.sessions().revoke_session(self.request(pb::RevokeSessionRequest { name: name.to_owned() })).await)
    }

    pub async fn list_audit_events(
        &self,
        request: pb::ListAuditEventsRequest,
    ) -> Result<pb::ListAuditEventsResponse, Fault> {
        answer(self.audit().list_audit_events(self.request(request)).await)
    }

    pub async fn verify_audit_log(
        &self,
        known_sequence: i64,
        known_hash: &str,
    ) -> Result<pb::VerifyAuditLogResponse, Fault> {
        let message = pb::VerifyAuditLogRequest { known_sequence, known_hash: known_hash.to_owned() };
        answer(self.audit().verify_audit_log(self.request(message)).await)
    }

    pub async fn revoke_all(&self, parent: &str, keep_current: bool) -> Result<i32, Fault> {
        let message = pb::RevokeAllSessionsRequest { parent: parent.to_owned(), keep_current };
        let answered = answer(self.sessions().revoke_all_sessions(self.request(message)).await);
        answered.map(|answer| answer.revoked_sessions)
    }

    pub async fn disable(&self, name: &str, etag: &str) -> Result<pb::Account, Fault> {
        let message = pb::DisableAccountRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.accounts().disable_account(self.request(message)).await)
    }

    /// Begins to act as an account.
    pub async fn impersonate(
        &self,
        name: &str,
        reason: &str,
        write: bool,
    ) -> Result<pb::ImpersonateAccountResponse, Fault> {
        let message = pb::ImpersonateAccountRequest { name: name.to_owned(), reason: reason.to_owned(), write };
        answer(self.accounts().impersonate_account(self.request(message)).await)
    }

    pub async fn enable(&self, name: &str, etag: &str) -> Result<pb::Account, Fault> {
        let message = pb::EnableAccountRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.accounts().enable_account(self.request(message)).await)
    }

    pub async fn watch_revocations(&self) -> Result<tonic::Streaming<pb::WatchRevocationsResponse>, Fault> {
        let mut service = RevocationServiceClient::new(self.stack.clone());
        answer(service.watch_revocations(self.request(pb::WatchRevocationsRequest {})).await)
    }

    pub async fn jwks(&self) -> Vec<pb::Jwk> {
        answer(self.keys().get_jwks(self.request(pb::GetJwksRequest {})).await).unwrap().keys
    }
}

pub fn answer<T>(result: Result<tonic::Response<T>, Status>) -> Result<T, Fault> {
    result.map(tonic::Response::into_inner).map_err(Fault::from_status)
}

/// The reason that a call was refused with.
pub fn reason<T: std::fmt::Debug>(result: Result<T, Fault>) -> Reason {
    result.unwrap_err().reason().unwrap()
}

/// The fields that a call was refused for.
pub fn fields<T: std::fmt::Debug>(result: Result<T, Fault>) -> Vec<String> {
    let fault = result.unwrap_err();
    assert_eq!(fault.reason(), Some(Reason::FieldViolation), "{fault:?}");
    fault.violations().iter().map(|violation| violation.field.clone()).collect()
}

pub fn base64url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

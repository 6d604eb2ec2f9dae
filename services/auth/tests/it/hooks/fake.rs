//! An application with hooks on the loopback interface, which does what a test has it do: also hang, lie and fail.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use mainstay_auth::Config;
use mainstay_auth::hooks::{AskedHook, HooksConfig, OnFailure, ToldHook};
use mainstay_proto::auth::hook::v1 as hook;
use mainstay_proto::auth::hook::v1::before_sign_up_response::Decision;
use mainstay_proto::auth::hook::v1::hook_service_server::{HookService, HookServiceServer};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::harness::config;

/// What a hook answers, for each method by itself.
pub struct Script {
    pub before: Result<Option<Decision>, Status>,
    pub minted: Result<Option<Struct>, Status>,
    pub after: Result<(), Status>,
    pub mail: Result<(), Status>,
    /// Methods that are never answered.
    pub silent: Vec<&'static str>,
    pub asked_before: Vec<hook::BeforeSignUpRequest>,
    pub asked_to_mint: Vec<hook::MintTokenRequest>,
    pub told: Vec<hook::AfterSignUpRequest>,
    pub mails: Vec<hook::SendMailRequest>,
    /// The method and the metadata of each call.
    pub calls: Vec<(&'static str, MetadataMap)>,
}

pub struct App {
    pub address: SocketAddr,
    script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub fn allow() -> Result<Option<Decision>, Status> {
    Ok(Some(Decision::Allow(hook::Allow::default())))
}

pub fn deny(message: &str) -> Result<Option<Decision>, Status> {
    Ok(Some(Decision::Deny(hook::Deny { message: message.to_owned() })))
}

pub fn claims(texts: &[(&str, &str)]) -> Struct {
    let value = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    Struct { fields: texts.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect() }
}

impl App {
    pub async fn start() -> App {
        App::start_at("127.0.0.1:0").await
    }

    pub async fn start_at(address: &str) -> App {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script {
            before: allow(),
            minted: Ok(None),
            after: Ok(()),
            mail: Ok(()),
            silent: Vec::new(),
            asked_before: Vec::new(),
            asked_to_mint: Vec::new(),
            told: Vec::new(),
            mails: Vec::new(),
            calls: Vec::new(),
        }));
        let service = HookServiceServer::new(Service(Arc::clone(&script)));
        let serve = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
        let serving = tokio::spawn(async move { serve.await.unwrap() });
        App { address, script, serving }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self, on_failure: OnFailure) -> AskedHook {
        AskedHook { url: self.url(), on_failure, deadline_ms: 1_000, ..AskedHook::default() }
    }

    pub fn told(&self) -> ToldHook {
        ToldHook { url: self.url(), deadline_ms: 1_000, ..ToldHook::default() }
    }

    /// Settings in which this application is asked before a sign-up.
    pub fn before(&self, on_failure: OnFailure) -> Config {
        let hooks = HooksConfig { before_sign_up: Some(self.asked(on_failure)), ..HooksConfig::default() };
        Config { hooks, ..config() }
    }

    /// Settings in which it is asked at each token.
    pub fn minting(&self, on_failure: OnFailure) -> Config {
        let hooks = HooksConfig { mint_token: Some(self.asked(on_failure)), ..HooksConfig::default() };
        Config { hooks, ..config() }
    }
}

struct Service(Arc<Mutex<Script>>);

impl Service {
    /// Notes a call, and never comes back where that is wanted.
    async fn note<T>(&self, method: &'static str, request: &Request<T>) {
        let is_silent = {
            let mut script = self.0.lock().unwrap();
            script.calls.push((method, request.metadata().clone()));
            script.silent.contains(&method)
        };
        if is_silent {
            std::future::pending::<()>().await;
        }
    }
}

#[tonic::async_trait]
impl HookService for Service {
    async fn before_sign_up(
        &self,
        request: Request<hook::BeforeSignUpRequest>,
    ) -> Result<Response<hook::BeforeSignUpResponse>, Status> {
        self.note("BeforeSignUp", &request).await;
        let mut script = self.0.lock().unwrap();
        script.asked_before.push(request.into_inner());
        script.before.clone().map(|decision| Response::new(hook::BeforeSignUpResponse { decision }))
    }

    async fn after_sign_up(
        &self,
        request: Request<hook::AfterSignUpRequest>,
    ) -> Result<Response<hook::AfterSignUpResponse>, Status> {
        self.note("AfterSignUp", &request).await;
        let mut script = self.0.lock().unwrap();
        script.told.push(request.into_inner());
        script.after.clone().map(|()| Response::new(hook::AfterSignUpResponse {}))
    }

    async fn mint_token(
        &self,
        request: Request<hook::MintTokenRequest>,
    ) -> Result<Response<hook::MintTokenResponse>, Status> {
        self.note("MintToken", &request).await;
        let mut script = self.0.lock().unwrap();
        script.asked_to_mint.push(request.into_inner());
        script.minted.clone().map(|claims| Response::new(hook::MintTokenResponse { claims }))
    }

    async fn send_mail(
        &self,
        request: Request<hook::SendMailRequest>,
    ) -> Result<Response<hook::SendMailResponse>, Status> {
        self.note("SendMail", &request).await;
        let mut script = self.0.lock().unwrap();
        script.mails.push(request.into_inner());
        script.mail.clone().map(|()| Response::new(hook::SendMailResponse {}))
    }
}

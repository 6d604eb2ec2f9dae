//! What the gateway says of itself: the OpenAPI document, the contract for those who make clients, and pages that show both.
//!
//! Each caller is told of the methods that he may call, and of what is in their messages. In development everybody is told of all,
//! as by reflection.
//!
//! ```text
//! request -> Doc (by path) -> Sight (what this caller sees) -> Kept, or made: openapi, contract -> answer (ETag, coding)
//! ```

mod answer;
mod contract;
mod kept;
mod page;
mod proto;
mod sight;
mod zip;

use std::sync::Arc;

use http::{Method, Request, Response};
use mainstay_fault::Fault;
use mainstay_layers::{Body, Context};

pub use kept::Docs;

use self::kept::Made;
use self::sight::Sight;
use crate::openapi::{self, Subject};
use crate::snapshot::Snapshot;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doc {
    /// The OpenAPI document.
    OpenApi,
    /// The contract as a `google.protobuf.FileDescriptorSet`.
    Descriptors,
    /// The contract as `.proto` files.
    Sources,
    /// The page that shows it to people.
    Page,
    /// What the page does.
    Script,
    /// How it looks.
    Style,
}

impl Doc {
    pub const ALL: [Doc; 6] = [Doc::OpenApi, Doc::Descriptors, Doc::Sources, Doc::Page, Doc::Script, Doc::Style];

    /// What is served at a path.
    pub fn of(path: &str) -> Option<Doc> {
        Doc::ALL.into_iter().find(|doc| doc.path() == path)
    }

    pub const fn path(self) -> &'static str {
        match self {
            Doc::OpenApi => "/openapi.json",
            Doc::Descriptors => "/contract.binpb",
            Doc::Sources => "/contract.zip",
            Doc::Page => "/docs",
            Doc::Script => "/docs/script.js",
            Doc::Style => "/docs/style.css",
        }
    }

    /// The methods that it takes.
    pub fn methods(self) -> &'static [Method] {
        &[Method::GET, Method::HEAD]
    }
}

/// Answers.
pub async fn serve(
    docs: &Docs,
    doc: Doc,
    snapshot: Arc<Snapshot>,
    (request, context): (Request<Body>, Context),
) -> Result<Response<Body>, Fault> {
    if let Some(page) = page::find(doc, docs.page(), request.headers()) {
        return page.await;
    }
    let sight = docs.sight(&snapshot, &context.principal);
    let made = docs.made(doc, snapshot, sight).await?;
    answer::answer(doc, &made, request.headers()).await
}

/// Makes what is asked for, for everybody who sees as much.
fn make(doc: Doc, title: &str, snapshot: &Snapshot, sight: &Sight) -> Result<Made, Fault> {
    let shows = |path: &str| sight.shows(path);
    match doc {
        Doc::OpenApi => {
            let open = |path: &str| sight.is_open(path);
            openapi::document(&Subject { snapshot, title, shows: &shows, open: &open })
        }
        Doc::Descriptors => contract::descriptors(snapshot, &shows),
        Doc::Sources => contract::sources(snapshot, &shows),
        Doc::Page | Doc::Script | Doc::Style => Err(Fault::internal("a page is made of nothing")),
    }
    .map(Made::new)
}

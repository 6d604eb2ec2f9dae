//! The providers that people come in by.

use mainstay_proto::auth::v1 as pb;

use super::names::PROVIDERS;
use crate::core::Core;
use crate::domain::page_token;
use crate::error::Error;
use crate::handlers::pages::page_size;

/// Whom page tokens are for: everybody sees the same list.
const READER: &str = "providers";

pub(super) fn list(core: &Core, request: &pb::ListProvidersRequest) -> Result<pb::ListProvidersResponse, Error> {
    let size = page_size(request.page_size)?;
    let now = core.clock.now_seconds();
    let after = match request.page_token.as_str() {
        "" => String::new(),
        token => page_token::open::<String>(&core.key_encryption_key, READER, token, now)?,
    };
    let mut page: Vec<_> = core.providers.all().filter(|provider| provider.id > after).take(size + 1).collect();
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().filter(|_| more).map(|provider| provider.id.clone());
    let seal = |last| page_token::seal(&core.key_encryption_key, READER, last, now);
    let providers = page.iter().map(|provider| pb::Provider {
        name: format!("{PROVIDERS}{}", provider.id),
        display_name: provider.display_name.clone(),
        id_tokens: provider.gives_id_tokens(),
        on_pages: core.providers.has_page() && provider.comes_back_by_address(),
    });
    let providers = providers.collect();
    Ok(pb::ListProvidersResponse { providers, next_page_token: last.map(seal).transpose()?.unwrap_or_default() })
}

//! The answers to reflection's questions, found by name.

use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use std::collections::{HashMap, HashSet};
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse,
};

/// One pool, indexed. Immutable.
#[derive(Debug)]
pub(super) struct Index {
    pool: DescriptorPool,
    /// Every symbol that has a file: messages, enums and their values, extensions, services, methods.
    symbols: HashMap<String, FileDescriptor>,
}

type Answer = Result<MessageResponse, (Code, String)>;

impl Index {
    pub(super) fn new(pool: DescriptorPool) -> Index {
        let mut symbols = HashMap::new();
        for message in pool.all_messages() {
            symbols.insert(message.full_name().to_owned(), message.parent_file());
        }
        for item in pool.all_enums() {
            symbols.insert(item.full_name().to_owned(), item.parent_file());
            symbols.extend(item.values().map(|value| (value.full_name().to_owned(), item.parent_file())));
        }
        for extension in pool.all_extensions() {
            symbols.insert(extension.full_name().to_owned(), extension.parent_file());
        }
        for service in pool.services() {
            symbols.insert(service.full_name().to_owned(), service.parent_file());
            symbols.extend(service.methods().map(|method| (method.full_name().to_owned(), service.parent_file())));
        }
        Index { pool, symbols }
    }

    /// Answers one question. What is not known is an answer too: the stream goes on.
    pub(super) fn answer(&self, question: ServerReflectionRequest) -> ServerReflectionResponse {
        let answer = match &question.message_request {
            None => Err((Code::InvalidArgument, "the request asks nothing".to_owned())),
            Some(MessageRequest::ListServices(_)) => Ok(self.services()),
            Some(MessageRequest::FileByFilename(name)) => self.file(name),
            Some(MessageRequest::FileContainingSymbol(symbol)) => self.symbol(symbol),
            Some(MessageRequest::FileContainingExtension(asked)) => {
                self.extension(&asked.containing_type, asked.extension_number)
            }
            Some(MessageRequest::AllExtensionNumbersOfType(name)) => self.extensions(name),
        };
        let answer = answer.unwrap_or_else(|(code, error_message)| {
            MessageResponse::ErrorResponse(ErrorResponse { error_code: code as i32, error_message })
        });
        ServerReflectionResponse {
            valid_host: question.host.clone(),
            original_request: Some(question),
            message_response: Some(answer),
        }
    }

    fn services(&self) -> MessageResponse {
        let mut names: Vec<String> = self.pool.services().map(|service| service.full_name().to_owned()).collect();
        names.sort_unstable();
        let service = names.into_iter().map(|name| ServiceResponse { name }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    fn file(&self, name: &str) -> Answer {
        let file = self.pool.get_file_by_name(name).ok_or_else(|| not_found("file", name))?;
        Ok(with_dependencies(&file))
    }

    fn symbol(&self, symbol: &str) -> Answer {
        let name = symbol.strip_prefix('.').unwrap_or(symbol);
        let field = || {
            let (message, field) = name.rsplit_once('.')?;
            let message = self.pool.get_message_by_name(message)?;
            let known = message.get_field_by_name(field).is_some() || message.oneofs().any(|o| o.name() == field);
            known.then(|| message.parent_file())
        };
        let file = self.symbols.get(name).cloned().or_else(field).ok_or_else(|| not_found("symbol", symbol))?;
        Ok(with_dependencies(&file))
    }

    fn extension(&self, name: &str, number: i32) -> Answer {
        let message = self.message(name)?;
        let extension = u32::try_from(number).ok().and_then(|number| message.get_extension(number));
        let extension = extension.ok_or_else(|| not_found("extension", &format!("{number} of {name}")))?;
        Ok(with_dependencies(&extension.parent_file()))
    }

    fn extensions(&self, name: &str) -> Answer {
        let message = self.message(name)?;
        let mut extension_number: Vec<i32> =
            message.extensions().filter_map(|extension| i32::try_from(extension.number()).ok()).collect();
        extension_number.sort_unstable();
        let base_type_name = message.full_name().to_owned();
        Ok(MessageResponse::AllExtensionNumbersResponse(ExtensionNumberResponse { base_type_name, extension_number }))
    }

    fn message(&self, name: &str) -> Result<MessageDescriptor, (Code, String)> {
        let bare = name.strip_prefix('.').unwrap_or(name);
        self.pool.get_message_by_name(bare).ok_or_else(|| not_found("message", name))
    }
}

fn not_found(what: &str, name: &str) -> (Code, String) {
    (Code::NotFound, format!("there is no {what} {name}"))
}

/// The file and everything it imports, so that one answer is enough to understand it.
fn with_dependencies(file: &FileDescriptor) -> MessageResponse {
    let (mut seen, mut files, mut pending) = (HashSet::new(), Vec::new(), vec![file.clone()]);
    while let Some(file) = pending.pop() {
        if seen.insert(file.name().to_owned()) {
            files.push(file.encode_to_vec());
            pending.extend(file.dependencies());
        }
    }
    MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto: files })
}

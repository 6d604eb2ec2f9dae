//! The answers to reflection's questions, found by name.

use std::collections::{BTreeSet, HashMap, HashSet};

use prost::{DecodeError, Message as _};
use prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse,
};

use super::files::{File, Files, Says, SaysEnum, SaysExtension, SaysMessage};

/// The files of a port, indexed. Immutable.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: Vec<Described>,
    by_name: HashMap<Box<str>, u32>,
    /// The file of every symbol that has one: messages, enums and their values, extensions, services, methods.
    symbols: HashMap<Box<str>, u32>,
    messages: HashSet<Box<str>>,
    /// By the message that is extended.
    extensions: HashMap<Box<str>, Vec<(i32, u32)>>,
    services: BTreeSet<Box<str>>,
}

#[derive(Debug)]
struct Described {
    encoded: bytes::Bytes,
    imports: Vec<String>,
}

type Answer = Result<MessageResponse, (Code, String)>;

impl Index {
    pub(super) fn new(files: Files) -> Index {
        let mut index = Index::default();
        for (number, file) in (0..).zip(files.files) {
            let says = file.says;
            let mut scope = Scope { index: &mut index, file: number };
            says.message.iter().for_each(|message| scope.message(&says.package, message));
            says.enumeration.iter().for_each(|item| scope.enumeration(&says.package, item));
            says.extension.iter().for_each(|extension| scope.extension(&says.package, extension));
            for service in &says.service {
                let name = scope.symbol(&says.package, &service.name);
                service.method.iter().for_each(|method| drop(scope.symbol(&name, &method.name)));
                scope.index.services.insert(name.into());
            }
            index.by_name.insert(says.name.into(), number);
            index.files.push(Described { encoded: file.encoded, imports: says.dependency });
        }
        index
    }

    /// What callers see of it who may call the methods that `shows` says yes to: those, without the rules.
    pub(super) fn limited(&self, shows: &dyn Fn(&str) -> bool) -> Result<Index, DecodeError> {
        let mut files = Files::default();
        for Described { encoded, .. } in &self.files {
            files.put(File { says: Says::decode(encoded.clone())?, encoded: encoded.clone() });
        }
        files.limited(shows)?.without_rules().map(Index::new)
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
        let service = self.services.iter().map(|name| ServiceResponse { name: name.to_string() }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    fn file(&self, name: &str) -> Answer {
        let file = self.by_name.get(name).ok_or_else(|| not_found("file", name))?;
        Ok(self.with_dependencies(*file))
    }

    fn symbol(&self, symbol: &str) -> Answer {
        let name = symbol.strip_prefix('.').unwrap_or(symbol);
        let file = self.symbols.get(name).copied().or_else(|| self.field(name));
        Ok(self.with_dependencies(file.ok_or_else(|| not_found("symbol", symbol))?))
    }

    /// The file of a field or a oneof. They are many and seldom asked for, so they are looked up in the file itself.
    fn field(&self, name: &str) -> Option<u32> {
        let (message, field) = name.rsplit_once('.')?;
        let file = *self.symbols.get(message).filter(|_| self.messages.contains(message))?;
        let descriptor = FileDescriptorProto::decode(self.files[file as usize].encoded.clone()).ok()?;
        let within = match descriptor.package() {
            "" => message,
            package => message.strip_prefix(package)?.strip_prefix('.')?,
        };
        let mut parts = within.split('.');
        let first = parts.next()?;
        let mut found: &DescriptorProto = descriptor.message_type.iter().find(|known| known.name() == first)?;
        for part in parts {
            found = found.nested_type.iter().find(|known| known.name() == part)?;
        }
        let known = found.field.iter().any(|known| known.name() == field)
            || found.oneof_decl.iter().any(|known| known.name() == field);
        known.then_some(file)
    }

    fn extension(&self, name: &str, number: i32) -> Answer {
        let known = self.message(name)?;
        let found = known.iter().find(|(known, _)| *known == number);
        let (_, file) = found.ok_or_else(|| not_found("extension", &format!("{number} of {name}")))?;
        Ok(self.with_dependencies(*file))
    }

    fn extensions(&self, name: &str) -> Answer {
        let mut extension_number: Vec<i32> = self.message(name)?.iter().map(|(number, _)| *number).collect();
        extension_number.sort_unstable();
        let base_type_name = name.strip_prefix('.').unwrap_or(name).to_owned();
        Ok(MessageResponse::AllExtensionNumbersResponse(ExtensionNumberResponse { base_type_name, extension_number }))
    }

    /// The extensions of a message.
    fn message(&self, name: &str) -> Result<&[(i32, u32)], (Code, String)> {
        let bare = name.strip_prefix('.').unwrap_or(name);
        if !self.messages.contains(bare) {
            return Err(not_found("message", name));
        }
        Ok(self.extensions.get(bare).map_or(&[], Vec::as_slice))
    }

    /// The file and everything it imports, so that one answer is enough to understand it.
    fn with_dependencies(&self, file: u32) -> MessageResponse {
        let (mut seen, mut files, mut pending) = (HashSet::new(), Vec::new(), vec![file]);
        while let Some(file) = pending.pop() {
            if seen.insert(file) {
                let Described { encoded, imports } = &self.files[file as usize];
                files.push(encoded.to_vec());
                pending.extend(imports.iter().filter_map(|name| self.by_name.get(name.as_str())));
            }
        }
        MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto: files })
    }
}

fn not_found(what: &str, name: &str) -> (Code, String) {
    (Code::NotFound, format!("there is no {what} {name}"))
}

/// Enters what one file declares.
struct Scope<'i> {
    index: &'i mut Index,
    file: u32,
}

impl Scope<'_> {
    /// Enters a symbol, and says its full name.
    fn symbol(&mut self, scope: &str, name: &str) -> String {
        let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        self.index.symbols.insert(full.as_str().into(), self.file);
        full
    }

    fn message(&mut self, scope: &str, message: &SaysMessage) {
        let full = self.symbol(scope, &message.name);
        message.message.iter().for_each(|inner| self.message(&full, inner));
        message.enumeration.iter().for_each(|inner| self.enumeration(&full, inner));
        message.extension.iter().for_each(|inner| self.extension(&full, inner));
        self.index.messages.insert(full.into());
    }

    /// The values of an enum are named beside it.
    fn enumeration(&mut self, scope: &str, item: &SaysEnum) {
        self.symbol(scope, &item.name);
        item.value.iter().for_each(|value| drop(self.symbol(scope, &value.name)));
    }

    fn extension(&mut self, scope: &str, extension: &SaysExtension) {
        self.symbol(scope, &extension.name);
        let extended = extension.extendee.trim_start_matches('.').into();
        self.index.extensions.entry(extended).or_default().push((extension.number, self.file));
    }
}

use bytes::Bytes;
use futures_util::StreamExt as _;
use mainstay_runtime::{Files, Reflection, Shutdown};
use prost::Message as _;
use prost_reflect::prost_types::FileDescriptorSet;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ExtensionRequest, ServerReflectionRequest};
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;

fn platform() -> Files {
    let mut files = Files::default();
    files.add(Bytes::from_static(mainstay_proto::DESCRIPTOR_SET)).unwrap();
    files
}

fn question(request: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest { host: "here".into(), message_request: Some(request) }
}

/// One open stream.
struct Conversation {
    questions: mpsc::UnboundedSender<ServerReflectionRequest>,
    answers: tonic::Streaming<tonic_reflection::pb::v1::ServerReflectionResponse>,
}

impl Conversation {
    async fn open(reflection: &Reflection) -> Conversation {
        let (questions, stream) = mpsc::unbounded_channel();
        let mut client = ServerReflectionClient::new(reflection.v1());
        let answers = client.server_reflection_info(UnboundedReceiverStream::new(stream)).await.unwrap().into_inner();
        Conversation { questions, answers }
    }

    async fn ask(&mut self, request: MessageRequest) -> MessageResponse {
        self.questions.send(question(request)).unwrap();
        self.answers.next().await.unwrap().unwrap().message_response.unwrap()
    }

    async fn services(&mut self) -> Vec<String> {
        match self.ask(MessageRequest::ListServices(String::new())).await {
            MessageResponse::ListServicesResponse(list) => {
                list.service.into_iter().map(|service| service.name).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The names of the files in an answer; the error's code where it is one.
    async fn files(&mut self, request: MessageRequest) -> Result<Vec<String>, i32> {
        match self.ask(request).await {
            MessageResponse::FileDescriptorResponse(files) => {
                let decode =
                    |bytes: &Vec<u8>| prost_reflect::prost_types::FileDescriptorProto::decode(&bytes[..]).unwrap();
                Ok(files.file_descriptor_proto.iter().map(|bytes| decode(bytes).name().to_owned()).collect())
            }
            MessageResponse::ErrorResponse(error) => Err(error.error_code),
            other => panic!("{other:?}"),
        }
    }
}

/// Files with one more service.
fn with_shop() -> Files {
    use prost_reflect::prost_types::{
        DescriptorProto, FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto,
    };
    let method = MethodDescriptorProto {
        name: Some("Open".into()),
        input_type: Some(".shop.v1.Door".into()),
        output_type: Some(".shop.v1.Door".into()),
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("shop/v1/shop.proto".into()),
        package: Some("shop.v1".into()),
        syntax: Some("proto3".into()),
        message_type: vec![DescriptorProto { name: Some("Door".into()), ..Default::default() }],
        service: vec![ServiceDescriptorProto {
            name: Some("ShopService".into()),
            method: vec![method],
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut files = platform();
    let set = Bytes::from(FileDescriptorSet { file: vec![file] }.encode_to_vec());
    assert_eq!(files.add(set.clone()).unwrap(), 1);
    assert_eq!(files.add(set).unwrap(), 0, "a name is one file's");
    files
}

#[tokio::test]
async fn a_stream_that_was_open_before_sees_a_swapped_contract() {
    let reflection = Reflection::new(platform(), None, Shutdown::new());
    let mut talk = Conversation::open(&reflection).await;
    let before = talk.services().await;
    assert!(before.contains(&"mainstay.auth.v1.SessionService".to_owned()), "{before:?}");
    assert!(before.contains(&"grpc.health.v1.Health".to_owned()), "{before:?}");
    assert!(!before.contains(&"shop.v1.ShopService".to_owned()));
    reflection.swap(with_shop(), None);
    assert!(talk.services().await.contains(&"shop.v1.ShopService".to_owned()));
    reflection.swap(platform(), None);
    assert_eq!(talk.services().await, before);
}

#[tokio::test]
async fn every_kind_of_symbol_leads_to_its_file_and_what_it_imports() {
    let mut talk = Conversation::open(&Reflection::new(with_shop(), None, Shutdown::new())).await;
    for symbol in ["shop.v1.ShopService", "shop.v1.ShopService.Open", "shop.v1.Door", ".shop.v1.Door"] {
        let files = talk.files(MessageRequest::FileContainingSymbol(symbol.into())).await;
        assert_eq!(files.unwrap()[0], "shop/v1/shop.proto", "{symbol}");
    }
    let files = talk.files(MessageRequest::FileContainingSymbol("mainstay.v1.auth".into())).await.unwrap();
    assert_eq!(files[0], "mainstay/v1/options.proto");
    assert!(files.contains(&"google/protobuf/descriptor.proto".to_owned()), "{files:?}");
    let files =
        talk.files(MessageRequest::FileContainingSymbol("mainstay.v1.AuthOptions.public".into())).await.unwrap();
    assert_eq!(files[0], "mainstay/v1/options.proto");
    let files = talk.files(MessageRequest::FileByFilename("mainstay/v1/options.proto".into())).await.unwrap();
    assert_eq!(files[0], "mainstay/v1/options.proto");
}

#[tokio::test]
async fn questions_about_extensions_are_answered() {
    let mut talk = Conversation::open(&Reflection::new(platform(), None, Shutdown::new())).await;
    let options = "google.protobuf.MethodOptions";
    let asked = ExtensionRequest { containing_type: options.into(), extension_number: 51904 };
    let files = talk.files(MessageRequest::FileContainingExtension(asked)).await.unwrap();
    assert_eq!(files[0], "mainstay/v1/options.proto");
    match talk.ask(MessageRequest::AllExtensionNumbersOfType(options.into())).await {
        MessageResponse::AllExtensionNumbersResponse(numbers) => {
            assert!(numbers.extension_number.contains(&51904), "{numbers:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_known_is_an_answer_and_the_stream_goes_on() {
    let mut talk = Conversation::open(&Reflection::new(platform(), None, Shutdown::new())).await;
    let not_found = Err(5);
    assert_eq!(talk.files(MessageRequest::FileByFilename("no.proto".into())).await, not_found);
    assert_eq!(talk.files(MessageRequest::FileContainingSymbol("no.Such".into())).await, not_found);
    let asked = ExtensionRequest { containing_type: "google.protobuf.MethodOptions".into(), extension_number: -1 };
    assert_eq!(talk.files(MessageRequest::FileContainingExtension(asked)).await, not_found);
    assert_eq!(talk.files(MessageRequest::AllExtensionNumbersOfType("no.Such".into())).await, not_found);
    assert!(!talk.services().await.is_empty());
}

#[tokio::test]
async fn older_clients_are_answered_under_the_older_name() {
    use tonic_reflection::pb::v1alpha as alpha;
    let reflection = Reflection::new(platform(), None, Shutdown::new());
    let request = alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = AlphaClient::new(reflection.v1alpha());
    let answer = client.server_reflection_info(futures_util::stream::iter([request])).await.unwrap();
    let answer = answer.into_inner().next().await.unwrap().unwrap().message_response.unwrap();
    match answer {
        alpha::server_reflection_response::MessageResponse::ListServicesResponse(list) => {
            assert!(list.service.iter().any(|service| service.name == "mainstay.auth.v1.SessionService"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let shutdown = Shutdown::new();
    let mut talk = Conversation::open(&Reflection::new(platform(), None, shutdown.clone())).await;
    talk.services().await;
    shutdown.begin();
    assert!(talk.answers.next().await.is_none());
}

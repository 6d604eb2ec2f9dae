"""Calls each route of a contract as Google's own clients do, and compares what came through with what was meant.

Arguments: the port to answer at, the URL of Mainstay. The paths, queries and bodies are made by `google-api-core`, which has its own
reading of google/api/http.proto; Mainstay asks the echo service here, which answers what it is asked.
"""

import json, sys, urllib.error, urllib.parse, urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.api import annotations_pb2
from google.api_core import path_template, rest_helpers
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

port, mainstay = sys.argv[1:]


class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((Echo(),))
server.add_insecure_port("127.0.0.1:" + port)
server.start()

HARD = ["a", "a b", "a+b", "a%20b", "a&b=c", "a;b", "a?b#c", "ü€🦀", "a:b", "~a-b_c.d", "(a)*!'$,@", "%", "\"<>\\^`{|}"]
SAMPLES = {
    "Query": [
        {},
        {"text": "plain", "small": -7, "large": "9223372036854775807", "unsigned": "18446744073709551615"},
        {"fraction": 1.5e-9, "flag": True, "data": "+/+/AA==", "color": "GREEN"},
        {"fraction": "Infinity", "small": -2147483648, "large": "-9223372036854775808"},
        {"part": {"text": "inside", "number": "-1", "labels": ["a", "b"], "inner": {"inner": {"text": "deep"}}}},
        {"words": ["one", "two", "one", ""], "numbers": ["1", "-2", "3"], "colors": ["RED", "RED", "GREEN"]},
        {"time": "2026-11-30T12:00:00.000000001Z", "span": "-1.500s", "mask": "text,part.innerText"},
        {"wrapped": "0", "said": "", "maybe": ""},
        {"other": 0},
        *({"text": text, "words": [text, text]} for text in HARD),
    ],
    "Segment": [{"text": text, "small": 1} for text in HARD],
    "Name": [
        {"name": "shelves/1/books/2", "flag": True},
        {"name": "shelves/1", "text": "a"},
        {"part": {"name": "parts/1", "text": "in the query"}, "text": "b"},
        *({"name": f"shelves/{text}/books/{text}"} for text in HARD),
    ],
    "Rest": [{"name": "a"}, {"name": "a/b/c"}, *({"name": f"{text}/{text}", "text": text} for text in HARD)],
    "Whole": [
        {"name": "shelves/1", "by_name": {"a": "b", "": "c"}, "part": {"inner": {"text": "x"}}, "words": ["a", ""]},
        {"text": "without a name", "numbers": ["1"]},
        *({"name": f"shelves/{text}", "text": text} for text in HARD),
    ],
    "Part": [
        {"part": {"name": "parts/1", "text": "in the body", "labels": ["a"]}, "text": "in the query"},
        {"part": {"name": "parts/1"}},
        *({"part": {"name": f"parts/{text}", "text": text}, "text": text} for text in HARD),
    ],
    "Remove": [{"name": f"shelves/{text}/books/1", "small": 3} for text in HARD],
}


def contract():
    """The served contract: its methods and messages."""
    with urllib.request.urlopen(mainstay + "/contract.binpb") as answer:
        files = descriptor_pb2.FileDescriptorSet.FromString(answer.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool.FindServiceByName("routes.v1.EchoService"), message_factory.GetMessageClass(
        pool.FindMessageTypeByName("routes.v1.Everything")
    )


def bindings(method):
    """The routes of a method, as `google-api-core` wants them."""
    options = descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())
    rule = options.Extensions[annotations_pb2.http]
    for binding in [rule, *rule.additional_bindings]:
        verb = binding.WhichOneof("pattern")
        yield {"method": verb, "uri": getattr(binding, verb)} | ({"body": binding.body} if binding.body else {})


def called(method, message):
    """What the method hears of a message that is sent by its route."""
    made = path_template.transcode(list(bindings(method)), message)
    query = json.loads(json_format.MessageToJson(made["query_params"], use_integers_for_enums=True))
    query = urllib.parse.urlencode(rest_helpers.flatten_query_params(query, strict=True))
    body = json_format.MessageToJson(made["body"]).encode() if made.get("body") is not None else None
    request = urllib.request.Request(f"{mainstay}{made['uri']}?{query}", data=body, method=made["method"].upper())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json_format.Parse(answer.read(), type(message)())


service, Everything = contract()
wrong, calls = [], 0
for method in service.methods:
    for sample in SAMPLES[method.name]:
        message, calls = json_format.ParseDict(sample, Everything()), calls + 1
        try:
            heard = called(method, message)
        except urllib.error.HTTPError as error:
            heard = error.read().decode()
        if heard != message:
            wrong.append([method.name, sample, str(heard)])
print(json.dumps({"calls": calls, "wrong": wrong}), flush=True)
server.stop(None)

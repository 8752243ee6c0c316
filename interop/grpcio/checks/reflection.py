"""Reflection, v1 and v1alpha: enough to call a service nobody has a .proto of."""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2 as v1alpha_pb2
from grpc_reflection.v1alpha import reflection_pb2_grpc as v1alpha_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from check import CALL_SECONDS, check, equal, true
from grpc.reflection.v1 import reflection_pb2 as v1_pb2
from grpc.reflection.v1 import reflection_pb2_grpc as v1_grpc

_SERVED = {
    "grpc.testing.TestService",
    "grpc.testing.XdsUpdateHealthService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
_NOT_FOUND = grpc.StatusCode.NOT_FOUND.value[0]
_VERSIONS = (
    (v1_pb2, v1_grpc.ServerReflectionStub),
    (v1alpha_pb2, v1alpha_grpc.ServerReflectionStub),
)


def _ask(peer, messages, stub, *questions):
    """One answer for each question, all on one stream."""
    requests = [messages.ServerReflectionRequest(**each) for each in questions]
    calls = stub(peer.channel())
    answers = list(calls.ServerReflectionInfo(iter(requests), timeout=CALL_SECONDS))
    equal(len(answers), len(requests), "number of answers")
    for answer, request in zip(answers, requests):
        equal(answer.original_request, request, "original_request")
    return answers


def _files(answer):
    true(answer.HasField("file_descriptor_response"), f"no file in {answer!r}")
    return [
        descriptor_pb2.FileDescriptorProto.FromString(each)
        for each in answer.file_descriptor_response.file_descriptor_proto
    ]


@check
def list_services(peer):
    """Both versions name every service that is served."""
    for messages, stub in _VERSIONS:
        (answer,) = _ask(peer, messages, stub, {"list_services": ""})
        names = [each.name for each in answer.list_services_response.service]
        equal(len(names), len(set(names)), "names, each once")
        true(_SERVED <= set(names), f"{_SERVED - set(names)} not listed in {names}")


@check
def file_by_symbol(peer):
    """A service, a method, a message, a field, an enum and its value are found."""
    symbols = {
        "grpc.testing.TestService": "grpc/testing/test.proto",
        "grpc.testing.TestService.UnaryCall": "grpc/testing/test.proto",
        "grpc.testing.SimpleRequest": "grpc/testing/messages.proto",
        "grpc.testing.SimpleRequest.payload": "grpc/testing/messages.proto",
        "grpc.testing.PayloadType": "grpc/testing/messages.proto",
        "grpc.testing.COMPRESSABLE": "grpc/testing/messages.proto",
    }
    for messages, stub in _VERSIONS:
        questions = [{"file_containing_symbol": symbol} for symbol in symbols]
        answers = _ask(peer, messages, stub, *questions)
        for answer, (symbol, wanted) in zip(answers, symbols.items()):
            # What was sent on this stream before need not come again.
            names = [each.name for each in _files(answer)]
            true(wanted in names or not names, f"{symbol}: {wanted} is not in {names}")
        for symbol, wanted in symbols.items():
            (answer,) = _ask(peer, messages, stub, {"file_containing_symbol": symbol})
            true(wanted in [each.name for each in _files(answer)], f"{symbol}: no {wanted}")


@check
def file_by_name(peer):
    """A file is found by the name its importers write."""
    for messages, stub in _VERSIONS:
        (answer,) = _ask(peer, messages, stub, {"file_by_filename": "grpc/testing/empty.proto"})
        equal([each.name for each in _files(answer)], ["grpc/testing/empty.proto"], "files")


@check
def not_found(peer):
    """A question without an answer is answered so, and the stream goes on."""
    questions = (
        {"file_containing_symbol": "no.such.Symbol"},
        {"file_by_filename": "no/such.proto"},
        {"all_extension_numbers_of_type": "no.such.Message"},
        {"list_services": ""},
    )
    for messages, stub in _VERSIONS:
        *missing, listed = _ask(peer, messages, stub, *questions)
        codes = [each.error_response.error_code for each in missing]
        equal(codes, [_NOT_FOUND] * 3, "error codes")
        true(listed.list_services_response.service, "no services after the errors")


@check
def descriptor_database(peer):
    """grpcio's own client builds the service, and a call made from it works."""
    channel = peer.channel()
    database = ProtoReflectionDescriptorDatabase(channel)
    true(_SERVED <= set(database.get_services()), "services are missing")
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName("grpc.testing.TestService").FindMethodByName("UnaryCall")
    request = message_factory.GetMessageClass(method.input_type)(response_size=7)
    response_class = message_factory.GetMessageClass(method.output_type)
    call = channel.unary_unary(
        "/grpc.testing.TestService/UnaryCall",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response_class.FromString,
    )
    equal(len(call(request, timeout=CALL_SECONDS).payload.body), 7, "payload size")

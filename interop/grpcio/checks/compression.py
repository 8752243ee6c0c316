"""Compression both ways, seen on the wire and not only asked for."""

import grpc

import wire
from check import CALL_SECONDS, check, ends_with, equal
from checks.calls import stub, unary
from grpc.testing import messages_pb2, test_pb2_grpc

_GZIP = grpc.Compression.Gzip
_DEFLATE = grpc.Compression.Deflate
_NONE = grpc.Compression.NoCompression
_SIZE = 314159
# Bits of grpcio's own numbering: 0 identity, 1 deflate, 2 gzip.
_ACCEPT = "grpc.compression_enabled_algorithms_bitset"
_ACCEPTS = {"identity": 0b001, "deflate": 0b011, "gzip": 0b101}


def _bool(value):
    return messages_pb2.BoolValue(value=value)


def _raw(peer, encoding):
    """A channel that accepts one encoding and hands over messages as they came.

    The metadata says the same to a server that cannot see `grpc-accept-encoding`.
    """
    channel = peer.channel(wire.KEEP_COMPRESSED, (_ACCEPT, _ACCEPTS[encoding]))
    return channel, (("x-interop-encoding", encoding),)


def _raw_unary(peer, encoding, request):
    channel, metadata = _raw(peer, encoding)
    call = channel.unary_unary(
        "/grpc.testing.TestService/UnaryCall",
        request_serializer=messages_pb2.SimpleRequest.SerializeToString,
        response_deserializer=wire.reader(messages_pb2.SimpleResponse),
    )
    return call(request, timeout=CALL_SECONDS, metadata=metadata)


def _inputs(expected):
    payload = messages_pb2.Payload(body=bytes(27182))
    return [
        messages_pb2.StreamingInputCallRequest(payload=payload, expect_compressed=_bool(expected))
        for _ in range(3)
    ]


@check
def client_compressed_unary(peer):
    """The server takes gzip and deflate, and can tell what was compressed."""
    calls = stub(peer)
    probe = unary(271828, _SIZE, expect_compressed=_bool(True))
    ends_with(
        grpc.StatusCode.INVALID_ARGUMENT, lambda: calls.UnaryCall(probe, timeout=CALL_SECONDS)
    )
    for compression in (_GZIP, _DEFLATE, _NONE):
        request = unary(271828, _SIZE, expect_compressed=_bool(compression is not _NONE))
        response = calls.UnaryCall(request, timeout=CALL_SECONDS, compression=compression)
        equal(response.payload.body, bytes(_SIZE), f"payload, {compression}")


@check
def client_compressed_when_it_should_not_be(peer):
    """A compressed message is seen as such where none was announced."""
    calls = stub(peer)
    request = unary(271828, 1, expect_compressed=_bool(False))
    ends_with(
        grpc.StatusCode.INVALID_ARGUMENT,
        lambda: calls.UnaryCall(request, timeout=CALL_SECONDS, compression=_GZIP),
    )


@check
def client_compressed_streaming(peer):
    """The same for each message of a stream."""
    calls = stub(peer)
    ends_with(
        grpc.StatusCode.INVALID_ARGUMENT,
        lambda: calls.StreamingInputCall(iter(_inputs(True)), timeout=CALL_SECONDS),
    )
    for compression in (_GZIP, _DEFLATE, _NONE):
        response = calls.StreamingInputCall(
            iter(_inputs(compression is not _NONE)), timeout=CALL_SECONDS, compression=compression
        )
        equal(response.aggregated_payload_size, 3 * 27182, f"sum, {compression}")


@check
def client_compressed_channel(peer):
    """A channel that compresses everything can call every kind."""
    calls = test_pb2_grpc.TestServiceStub(peer.channel(compression=_GZIP))
    request = unary(271828, _SIZE, expect_compressed=_bool(True))
    response = calls.UnaryCall(request, timeout=CALL_SECONDS)
    equal(len(response.payload.body), _SIZE, "payload size")
    response = calls.StreamingInputCall(iter(_inputs(True)), timeout=CALL_SECONDS)
    equal(response.aggregated_payload_size, 3 * 27182, "sum")


@check
def server_compressed_unary(peer):
    """The server compresses with what the client takes, when asked, and only then."""
    for encoding in ("gzip", "deflate"):
        for wanted in (True, False):
            got = _raw_unary(peer, encoding, unary(271828, _SIZE, response_compressed=_bool(wanted)))
            equal(got.encoding, encoding if wanted else "identity", f"{encoding}, asked: {wanted}")
            equal(got.message.payload.body, bytes(_SIZE), "payload")


@check
def server_compresses_nothing_unaccepted(peer):
    """A client that takes no compression gets none, even where it asks for it."""
    got = _raw_unary(peer, "identity", unary(0, _SIZE, response_compressed=_bool(True)))
    equal(got.encoding, "identity", "encoding")
    equal(len(got.message.payload.body), _SIZE, "payload size")


@check
def server_compressed_streaming(peer):
    """The server compresses all messages of a stream when asked, or none."""
    sizes = [31415, 92653, 27182]
    for encoding in ("gzip", "deflate"):
        for wanted in (True, False):
            request = messages_pb2.StreamingOutputCallRequest(response_parameters=[
                messages_pb2.ResponseParameters(size=size, compressed=_bool(wanted))
                for size in sizes
            ])
            channel, metadata = _raw(peer, encoding)
            call = channel.unary_stream(
                "/grpc.testing.TestService/StreamingOutputCall",
                request_serializer=messages_pb2.StreamingOutputCallRequest.SerializeToString,
                response_deserializer=wire.reader(messages_pb2.StreamingOutputCallResponse),
            )
            got = list(call(request, timeout=CALL_SECONDS, metadata=metadata))
            equal([each.encoding for each in got], [encoding if wanted else "identity"] * 3,
                  f"encodings, asked: {wanted}")
            equal([len(each.message.payload.body) for each in got], sizes, "sizes")


@check
def grpcio_unpacks_it_too(peer):
    """grpcio's own decompression agrees: the message is as asked."""
    response = stub(peer).UnaryCall(
        unary(0, _SIZE, response_compressed=_bool(True)), timeout=CALL_SECONDS
    )
    equal(response.payload.body, bytes(_SIZE), "payload")

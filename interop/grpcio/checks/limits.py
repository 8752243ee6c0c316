"""Messages over a limit are refused, and only they."""

import grpc

from check import CALL_SECONDS, check, ends_with, equal
from checks.calls import stub, unary
from grpc.testing import messages_pb2

_LIMIT = 4 * 1024 * 1024
# Longer than the fields around the payload.
_SPARE = 1024


@check
def request_just_within(peer):
    """Four MiB is the limit, so a little less is served."""
    response = stub(peer).UnaryCall(unary(_LIMIT - _SPARE, 1), timeout=CALL_SECONDS)
    equal(len(response.payload.body), 1, "payload size")


@check
def request_over(peer):
    """More than four MiB is RESOURCE_EXHAUSTED; the connection goes on."""
    calls = stub(peer)
    ends_with(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        lambda: calls.UnaryCall(unary(_LIMIT + 1, 1), timeout=CALL_SECONDS),
    )
    response = calls.UnaryCall(unary(1, 2), timeout=CALL_SECONDS)
    equal(len(response.payload.body), 2, "payload size of the next call")


@check
def request_over_once_unpacked(peer):
    """The limit is on what a message unpacks to."""
    calls = stub(peer)
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        ends_with(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            lambda: calls.UnaryCall(
                unary(8 * _LIMIT, 1), timeout=CALL_SECONDS, compression=compression
            ),
        )
    response = calls.UnaryCall(unary(1, 2), timeout=CALL_SECONDS)
    equal(len(response.payload.body), 2, "payload size of the next call")


@check
def streamed_request_over(peer):
    """One message too long ends a stream that was fine so far."""
    calls = stub(peer)
    requests = [
        messages_pb2.StreamingInputCallRequest(payload=messages_pb2.Payload(body=bytes(size)))
        for size in (1, _LIMIT + 1, 1)
    ]
    ends_with(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        lambda: calls.StreamingInputCall(iter(requests), timeout=CALL_SECONDS),
    )


@check
def response_over(peer):
    """The client refuses what is over its own limit; the server is none the worse."""
    calls = stub(peer, ("grpc.max_receive_message_length", 1000))
    ends_with(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        lambda: calls.UnaryCall(unary(1, 2000), timeout=CALL_SECONDS),
    )
    response = calls.UnaryCall(unary(1, 500), timeout=CALL_SECONDS)
    equal(len(response.payload.body), 500, "payload size of the next call")

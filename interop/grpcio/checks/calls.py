"""The four kinds of methods, small, large, many and at once."""

import queue

import grpc

from check import CALL_SECONDS, check, ends_with, equal, true
from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc

_REQUEST_SIZES = (27182, 8, 1828, 45904)
_RESPONSE_SIZES = (31415, 9, 2653, 58979)


def stub(peer, *options):
    """Calls the service over a connection of its own."""
    return test_pb2_grpc.TestServiceStub(peer.channel(*options))


def unary(size, response_size, **fields):
    """A request with `size` zeros that asks for `response_size`."""
    return messages_pb2.SimpleRequest(
        payload=messages_pb2.Payload(body=bytes(size)), response_size=response_size, **fields
    )


def streamed(size, *response_sizes, interval_us=0, **fields):
    """A request with `size` zeros that asks for a message of each other size."""
    return messages_pb2.StreamingOutputCallRequest(
        payload=messages_pb2.Payload(body=bytes(size)),
        response_parameters=[
            messages_pb2.ResponseParameters(size=each, interval_us=interval_us)
            for each in response_sizes
        ],
        **fields,
    )


def sizes(responses):
    """The sizes of all payloads that arrive."""
    return tuple(len(each.payload.body) for each in responses)


@check
def empty_unary(peer):
    """Nothing is answered with nothing."""
    response = stub(peer).EmptyCall(empty_pb2.Empty(), timeout=CALL_SECONDS)
    equal(response.SerializeToString(), b"", "response")


@check
def large_unary(peer):
    """More than one frame and one window each way."""
    response = stub(peer).UnaryCall(unary(271828, 314159), timeout=CALL_SECONDS)
    equal(response.payload.body, bytes(314159), "payload")


@check
def many_unary_in_turn(peer):
    """A connection serves one call after the other."""
    calls = stub(peer)
    for size in range(500):
        response = calls.UnaryCall(unary(size, size), timeout=CALL_SECONDS)
        equal(len(response.payload.body), size, "payload size")


@check
def many_unary_at_once(peer):
    """A connection serves a hundred calls side by side, each its own answer."""
    calls = stub(peer)
    futures = [
        calls.UnaryCall.future(unary(1000, 1000 + n), timeout=CALL_SECONDS) for n in range(100)
    ]
    got = [len(future.result().payload.body) for future in futures]
    equal(got, [1000 + n for n in range(100)], "payload sizes")


@check
def client_streaming(peer):
    """The server adds up what it was sent."""
    requests = [
        messages_pb2.StreamingInputCallRequest(payload=messages_pb2.Payload(body=bytes(size)))
        for size in _REQUEST_SIZES
    ]
    response = stub(peer).StreamingInputCall(iter(requests), timeout=CALL_SECONDS)
    equal(response.aggregated_payload_size, sum(_REQUEST_SIZES), "sum")


@check
def client_streaming_nothing(peer):
    """An empty stream is answered too."""
    response = stub(peer).StreamingInputCall(iter(()), timeout=CALL_SECONDS)
    equal(response.aggregated_payload_size, 0, "sum")


@check
def client_streaming_far_past_the_window(peer):
    """The server gives back the window it uses up: 32 MiB in 512 messages."""
    request = messages_pb2.StreamingInputCallRequest(
        payload=messages_pb2.Payload(body=bytes(65536))
    )
    response = stub(peer).StreamingInputCall(iter([request] * 512), timeout=CALL_SECONDS)
    equal(response.aggregated_payload_size, 65536 * 512, "sum")


@check
def server_streaming(peer):
    """One message for each parameter, in order."""
    responses = stub(peer).StreamingOutputCall(
        streamed(0, *_RESPONSE_SIZES), timeout=CALL_SECONDS
    )
    equal(sizes(responses), _RESPONSE_SIZES, "payload sizes")


@check
def server_streaming_many(peer):
    """Two thousand small messages arrive whole and in order."""
    wanted = tuple(n % 100 for n in range(2000))
    responses = stub(peer).StreamingOutputCall(streamed(0, *wanted), timeout=CALL_SECONDS)
    equal(sizes(responses), wanted, "payload sizes")


@check
def server_streaming_far_past_the_window(peer):
    """The server waits for the window and goes on: 32 MiB in 16 messages."""
    wanted = (2 * 1024 * 1024,) * 16
    responses = stub(peer).StreamingOutputCall(streamed(0, *wanted), timeout=CALL_SECONDS)
    equal(sizes(responses), wanted, "payload sizes")


@check
def ping_pong(peer):
    """Each answer arrives before the next request leaves."""
    feed = Feed()
    responses = stub(peer).FullDuplexCall(feed, timeout=CALL_SECONDS)
    for size, wanted in zip(_REQUEST_SIZES, _RESPONSE_SIZES):
        feed.send(streamed(size, wanted))
        equal(len(next(responses).payload.body), wanted, "payload size")
    feed.end()
    equal(sizes(responses), (), "payload sizes after the end")


@check
def empty_stream(peer):
    """A stream of nothing is answered with a stream of nothing."""
    responses = stub(peer).FullDuplexCall(iter(()), timeout=CALL_SECONDS)
    equal(sizes(responses), (), "payload sizes")


@check
def half_duplex(peer):
    """All answers, once the requests have ended."""
    requests = [streamed(size, wanted) for size, wanted in zip(_REQUEST_SIZES, _RESPONSE_SIZES)]
    responses = stub(peer).HalfDuplexCall(iter(requests), timeout=CALL_SECONDS)
    equal(sizes(responses), _RESPONSE_SIZES, "payload sizes")


@check
def slow_reader_holds_up_no_one(peer):
    """A stream that nobody reads leaves the connection to the other calls."""
    calls = stub(peer)
    unread = calls.StreamingOutputCall(streamed(0, *(1024 * 1024,) * 32), timeout=CALL_SECONDS)
    next(unread)
    response = calls.UnaryCall(unary(1000, 1000), timeout=CALL_SECONDS)
    equal(len(response.payload.body), 1000, "payload size of the other call")
    equal(sizes(unread), (1024 * 1024,) * 31, "payload sizes of the unread stream")


@check
def unimplemented_method(peer):
    """A method that is declared and not served."""
    calls = stub(peer)
    ends_with(
        grpc.StatusCode.UNIMPLEMENTED,
        lambda: calls.UnimplementedCall(empty_pb2.Empty(), timeout=CALL_SECONDS),
    )
    calls.EmptyCall(empty_pb2.Empty(), timeout=CALL_SECONDS)


@check
def unimplemented_service(peer):
    """A service that is not served, and paths that name nothing."""
    channel = peer.channel()
    for path in ("/grpc.testing.UnimplementedService/UnimplementedCall", "/nothing", "/a/b/c"):
        call = channel.unary_unary(path)
        error = ends_with(
            grpc.StatusCode.UNIMPLEMENTED, lambda: call(b"", timeout=CALL_SECONDS)
        )
        true(error.details(), f"{path}: an error without a message")


class Feed:
    """Requests of a stream, sent when the check says so."""

    def __init__(self):
        self._requests = queue.SimpleQueue()

    def send(self, request):
        self._requests.put(request)

    def end(self):
        self._requests.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        request = self._requests.get()
        if request is None:
            raise StopIteration
        return request

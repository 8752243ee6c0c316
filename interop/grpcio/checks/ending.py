"""Deadlines and cancellation, and that the handler learns of them."""

import time

import grpc

from check import CALL_SECONDS, check, ends_with, equal, soon, true
from checks.calls import Feed, streamed, stub, unary
from grpc.testing import empty_pb2

_LONG_US = 60_000_000


def _cancelled(calls):
    """How many handlers the server says were ended by their client."""
    _, call = calls.EmptyCall.with_call(empty_pb2.Empty(), timeout=CALL_SECONDS)
    metadata = dict(call.initial_metadata())
    true("x-interop-cancelled" in metadata, "server sends no x-interop-cancelled on EmptyCall")
    return int(metadata["x-interop-cancelled"])


@check
def deadline_of_a_stream(peer):
    """A deadline shorter than the server's pause ends the call and the handler."""
    calls = stub(peer)
    before = _cancelled(calls)
    feed = Feed()
    feed.send(streamed(0, 10, 10, interval_us=_LONG_US))
    start = time.monotonic()
    ends_with(
        grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(calls.FullDuplexCall(feed, timeout=0.2))
    )
    took = time.monotonic() - start
    true(0.15 < took < 2, f"a deadline of 0.2 s took {took:.2f} s")
    soon(lambda: _cancelled(calls) == before + 1, "the handler's end")
    feed.end()


@check
def deadline_of_server_streaming(peer):
    """What arrives in time is kept; the rest is not waited for."""
    calls = stub(peer)
    before = _cancelled(calls)
    responses = calls.StreamingOutputCall(streamed(0, 1, 2, 3, interval_us=400_000), timeout=0.6)
    equal(len(next(responses).payload.body), 1, "payload size")
    ends_with(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(responses))
    soon(lambda: _cancelled(calls) == before + 1, "the handler's end")


@check
def deadline_while_sending(peer):
    """A client's stream that never ends is ended by its deadline."""
    calls = stub(peer)
    before = _cancelled(calls)
    feed = Feed()
    ends_with(
        grpc.StatusCode.DEADLINE_EXCEEDED, lambda: calls.StreamingInputCall(feed, timeout=0.2)
    )
    soon(lambda: _cancelled(calls) == before + 1, "the handler's end")
    feed.end()


@check
def deadline_long_enough(peer):
    """A call that ends in time is not touched by its deadline."""
    calls = stub(peer)
    responses = calls.StreamingOutputCall(streamed(0, 1, 2, interval_us=50_000), timeout=5)
    equal([len(each.payload.body) for each in responses], [1, 2], "payload sizes")


@check
def timeout_on_sleeping_server(peer):
    """One millisecond is too short, whatever comes first."""
    calls = stub(peer)
    feed = Feed()
    feed.send(streamed(27182, 1, interval_us=_LONG_US))
    ends_with(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        lambda: list(calls.FullDuplexCall(feed, timeout=0.001)),
    )
    feed.end()
    calls.EmptyCall(empty_pb2.Empty(), timeout=CALL_SECONDS)


@check
def cancel_after_begin(peer):
    """A call cancelled before its first message ends CANCELLED."""
    calls = stub(peer)
    feed = Feed()
    call = calls.StreamingInputCall.future(feed, timeout=CALL_SECONDS)
    call.cancel()
    equal(call.code(), grpc.StatusCode.CANCELLED, "code")
    feed.end()
    calls.EmptyCall(empty_pb2.Empty(), timeout=CALL_SECONDS)


@check
def cancel_after_first_response(peer):
    """A stream cancelled halfway ends CANCELLED and so does its handler."""
    calls = stub(peer)
    before = _cancelled(calls)
    feed = Feed()
    responses = calls.FullDuplexCall(feed, timeout=CALL_SECONDS)
    feed.send(streamed(27182, 31415))
    equal(len(next(responses).payload.body), 31415, "payload size")
    responses.cancel()
    ends_with(grpc.StatusCode.CANCELLED, lambda: next(responses))
    soon(lambda: _cancelled(calls) == before + 1, "the handler's end")
    feed.end()


@check
def cancel_while_sleeping(peer):
    """A handler that waits is ended in the middle of its wait."""
    calls = stub(peer)
    before = _cancelled(calls)
    responses = calls.StreamingOutputCall(
        streamed(0, 1, 2, interval_us=_LONG_US), timeout=CALL_SECONDS
    )
    time.sleep(0.1)
    responses.cancel()
    soon(lambda: _cancelled(calls) == before + 1, "the handler's end")


@check
def cancel_many(peer):
    """Fifty cancelled calls leave nothing behind that hinders the next ones."""
    calls = stub(peer)
    before = _cancelled(calls)
    streams = []
    for _ in range(50):
        responses = calls.StreamingOutputCall(
            streamed(0, 1, *(2,) * 10, interval_us=1000), timeout=CALL_SECONDS
        )
        streams.append(responses)
    unread = calls.StreamingOutputCall(
        streamed(0, *(1024 * 1024,) * 50), timeout=CALL_SECONDS
    )
    next(unread)
    for responses in (*streams, unread):
        responses.cancel()
    soon(lambda: _cancelled(calls) > before, "the end of the unread stream's handler")
    for size in (1, 100_000):
        response = calls.UnaryCall(unary(size, size), timeout=CALL_SECONDS)
        equal(len(response.payload.body), size, "payload size")

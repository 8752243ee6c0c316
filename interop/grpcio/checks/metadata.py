"""Metadata both ways: text and bytes, before and after, once and repeated."""

import grpc

from check import CALL_SECONDS, check, equal
from checks.calls import Feed, streamed, stub, unary
from grpc.testing import messages_pb2

_ALL_BYTES = bytes(range(256))
_OFFICIAL = (
    ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
    ("x-grpc-test-echo-trailing-bin", b"\x0a\x0b\x0a\x0b\x0a\x0b"),
)
_TEXT = "all of !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ and spaces within"


def _values(metadata, key):
    return [value for each, value in metadata if each == key]


@check
def official(peer):
    """The two keys that every test service echoes, on a unary call."""
    _, call = stub(peer).UnaryCall.with_call(
        unary(1, 1), timeout=CALL_SECONDS, metadata=_OFFICIAL
    )
    equal(_values(call.initial_metadata(), _OFFICIAL[0][0]), [_OFFICIAL[0][1]], "initial")
    equal(_values(call.trailing_metadata(), _OFFICIAL[1][0]), [_OFFICIAL[1][1]], "trailing")


@check
def official_of_a_stream(peer):
    """The same on a stream, the initial ones before the first message is asked for."""
    feed = Feed()
    responses = stub(peer).FullDuplexCall(feed, timeout=CALL_SECONDS, metadata=_OFFICIAL)
    equal(_values(responses.initial_metadata(), _OFFICIAL[0][0]), [_OFFICIAL[0][1]], "initial")
    feed.send(streamed(1, 1))
    equal(len(next(responses).payload.body), 1, "payload size")
    feed.end()
    equal(list(responses), [], "messages after the end")
    equal(_values(responses.trailing_metadata(), _OFFICIAL[1][0]), [_OFFICIAL[1][1]], "trailing")


def _echo(peer, suffix, *values):
    sent = [(f"x-interop-{place}-{suffix}", value)
            for place in ("initial", "trailing") for value in values]
    _, call = stub(peer).UnaryCall.with_call(unary(1, 1), timeout=CALL_SECONDS, metadata=sent)
    for place, metadata in (
        ("initial", call.initial_metadata()),
        ("trailing", call.trailing_metadata()),
    ):
        equal(_values(metadata, f"x-interop-{place}-{suffix}"), list(values), place)


@check
def text(peer):
    """Everything that ASCII metadata may hold."""
    _echo(peer, "text", _TEXT)


@check
def text_repeated(peer):
    """A key used twice has two values, in order."""
    _echo(peer, "text", "one", "two", "one")


@check
def binary(peer):
    """Any byte, none at all, and each length of base64 padding."""
    for value in (_ALL_BYTES, b"", b"\x00", b"\xff\xfe", b"abc"):
        _echo(peer, "some-bin", value)


@check
def binary_repeated(peer):
    """A -bin key used twice has two values, in order."""
    _echo(peer, "some-bin", b"one", _ALL_BYTES, b"one")


@check
def large(peer):
    """Metadata of 4 kB in one value."""
    _echo(peer, "text", "x" * 4000)


@check
def trailing_of_an_error(peer):
    """Metadata arrives with an error too."""
    request = unary(0, 0, response_status=messages_pb2.EchoStatus(code=9, message="no"))
    try:
        stub(peer).UnaryCall(
            request, timeout=CALL_SECONDS, metadata=(("x-interop-trailing-some-bin", _ALL_BYTES),)
        )
    except grpc.RpcError as error:
        equal(error.code(), grpc.StatusCode.FAILED_PRECONDITION, "code")
        equal(_values(error.trailing_metadata(), "x-interop-trailing-some-bin"), [_ALL_BYTES],
              "trailing")
    else:
        raise AssertionError("answered, want an error")

"""How calls end: every code, any message, details."""

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from check import CALL_SECONDS, check, ends_with, equal, true
from checks.calls import Feed, streamed, stub, unary
from grpc.testing import messages_pb2

_SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"


def _wanted(code, message):
    return messages_pb2.EchoStatus(code=code, message=message)


@check
def every_code(peer):
    """Each of the sixteen errors arrives as itself, with its message."""
    calls = stub(peer)
    for code in grpc.StatusCode:
        number = code.value[0]
        if number == 0:
            continue
        request = unary(0, 0, response_status=_wanted(number, f"code {number}"))
        error = ends_with(code, lambda: calls.UnaryCall(request, timeout=CALL_SECONDS))
        equal(error.details(), f"code {number}", "message")


@check
def special_message(peer):
    """Whitespace, line ends and what lies outside ASCII arrive unharmed."""
    calls = stub(peer)
    for message in (_SPECIAL, "100% sure", "%41 is not A", "", "\x01\x7f", "x" * 4000):
        request = unary(0, 0, response_status=_wanted(2, message))
        error = ends_with(
            grpc.StatusCode.UNKNOWN, lambda: calls.UnaryCall(request, timeout=CALL_SECONDS)
        )
        equal(error.details(), message, "message")


@check
def status_of_a_stream(peer):
    """A stream can end with an error at once."""
    calls = stub(peer)
    request = streamed(0, response_status=_wanted(2, "test status message"))
    error = ends_with(
        grpc.StatusCode.UNKNOWN,
        lambda: list(calls.FullDuplexCall(iter([request]), timeout=CALL_SECONDS)),
    )
    equal(error.details(), "test status message", "message")


@check
def status_after_messages(peer):
    """What was sent before the error is not lost."""
    feed = Feed()
    responses = stub(peer).FullDuplexCall(feed, timeout=CALL_SECONDS)
    feed.send(streamed(0, 10, 20))
    feed.send(streamed(0, response_status=_wanted(10, "enough")))
    equal([len(next(responses).payload.body) for _ in range(2)], [10, 20], "payload sizes")
    error = ends_with(grpc.StatusCode.ABORTED, lambda: next(responses))
    equal(error.details(), "enough", "message")


@check
def details(peer):
    """`grpc-status-details-bin` holds the whole google.rpc.Status."""
    calls = stub(peer)
    request = unary(0, 0, response_status=_wanted(3, "details please"))
    error = ends_with(
        grpc.StatusCode.INVALID_ARGUMENT, lambda: calls.UnaryCall(request, timeout=CALL_SECONDS)
    )
    status = rpc_status.from_call(error)
    true(status is not None, "no grpc-status-details-bin")
    equal((status.code, status.message), (3, "details please"), "code and message")
    equal(len(status.details), 1, "number of details")
    bad_request = error_details_pb2.BadRequest()
    equal(status.details[0].Unpack(bad_request), True, "detail is a BadRequest")
    violations = [(each.field, each.description) for each in bad_request.field_violations]
    equal(violations, [("payload", "details please")], "field violations")


@check
def no_details_unasked(peer):
    """A plain error has no details."""
    calls = stub(peer)
    request = unary(0, 0, response_status=_wanted(3, "plain"))
    error = ends_with(
        grpc.StatusCode.INVALID_ARGUMENT, lambda: calls.UnaryCall(request, timeout=CALL_SECONDS)
    )
    equal(rpc_status.from_call(error), None, "details")

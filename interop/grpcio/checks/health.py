"""Health: Check, Watch and List."""

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from check import CALL_SECONDS, check, ends_with, equal, true
from grpc.testing import empty_pb2, test_pb2_grpc

_TEST = "grpc.testing.TestService"
_RESPONSE = health_pb2.HealthCheckResponse


def _health(peer):
    return health_pb2_grpc.HealthStub(peer.channel())


def _watch(calls, service):
    return calls.Watch(health_pb2.HealthCheckRequest(service=service), timeout=CALL_SECONDS)


@check
def serving(peer):
    """The server as a whole and its service are SERVING."""
    for service in ("", _TEST):
        request = health_pb2.HealthCheckRequest(service=service)
        response = _health(peer).Check(request, timeout=CALL_SECONDS)
        equal(response.status, _RESPONSE.SERVING, f"status of {service!r}")


@check
def unknown(peer):
    """Check does not know a service that is not there."""
    calls = _health(peer)
    request = health_pb2.HealthCheckRequest(service="no.such.Service")
    ends_with(grpc.StatusCode.NOT_FOUND, lambda: calls.Check(request, timeout=CALL_SECONDS))


@check
def watch_unknown(peer):
    """Watch says SERVICE_UNKNOWN and stays open."""
    responses = _watch(_health(peer), "no.such.Service")
    equal(next(responses).status, _RESPONSE.SERVICE_UNKNOWN, "status")
    true(responses.is_active(), "the stream has ended")
    responses.cancel()


@check
def watch_change(peer):
    """Watch tells at once, and again after each change."""
    switch = test_pb2_grpc.XdsUpdateHealthServiceStub(peer.channel())
    for service in ("", _TEST):
        responses = _watch(_health(peer), service)
        equal(next(responses).status, _RESPONSE.SERVING, "status at first")
        try:
            switch.SetNotServing(empty_pb2.Empty(), timeout=CALL_SECONDS)
            equal(next(responses).status, _RESPONSE.NOT_SERVING, "status once switched off")
        finally:
            switch.SetServing(empty_pb2.Empty(), timeout=CALL_SECONDS)
        equal(next(responses).status, _RESPONSE.SERVING, "status once switched on")
        responses.cancel()


@check
def list_all(peer):
    """List has them all."""
    response = _health(peer).List(health_pb2.HealthListRequest(), timeout=CALL_SECONDS)
    for service in ("", _TEST):
        true(service in response.statuses, f"{service!r} is not listed")
        equal(response.statuses[service].status, _RESPONSE.SERVING, f"status of {service!r}")

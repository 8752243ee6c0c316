"""`grpc.testing.TestService` and its neighbours, as the README of this folder's
parent describes them."""

import threading
import time

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

import stubs  # noqa: F401 (makes the next imports work)
import wire
from grpc.testing import empty_pb2, messages_pb2, test_pb2
from xds.data.orca.v3 import orca_load_report_pb2
from xds.service.orca.v3 import orca_pb2

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_ENCODINGS = {
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
    "identity": grpc.Compression.NoCompression,
}
_LOAD_REPORT = "endpoint-load-metrics-bin"
_SHORTEST_INTERVAL = 1.0
_CANCEL_SEEN_SECONDS = 0.02


class Calls:
    """Counts the calls whose handler was still at work when its client left."""

    def __init__(self):
        self._lock = threading.Lock()
        self.cancelled = 0

    def watch(self, context):
        """Follows a call from here on."""
        call = Call()

        def end():
            if not call.finished:
                with self._lock:
                    self.cancelled += 1
            call.ended.set()

        if not context.add_callback(end):
            end()
        return call


class Call:
    """One call: `ended` once it is over, `finished` if its handler got that far."""

    def __init__(self):
        self.ended = threading.Event()
        self.finished = False

    def finish(self):
        """Says that the handler has done its work."""
        self.finished = True

    def finish_stream(self):
        """The same, once the requests have ended.

        grpcio ends the requests of a cancelled call too, a moment before it says
        that the call was cancelled.
        """
        self.finished = not self.ended.wait(_CANCEL_SEEN_SECONDS)


class TestService:
    """The handlers; each request comes as `wire.Received`."""

    def __init__(self, load):
        self._calls = Calls()
        self._load = load

    def EmptyCall(self, received, context):
        context.send_initial_metadata((("x-interop-cancelled", str(self._calls.cancelled)),))
        return empty_pb2.Empty()

    def UnaryCall(self, received, context):
        request = received.message
        compressed = request.response_compressed.value
        _begin(context, compressed if request.HasField("response_compressed") else None)
        _check_received(received, context)
        _check_status(request.response_status, context)
        if request.HasField("orca_per_query_report"):
            report = load_report(request.orca_per_query_report)
            _add_trailer(context, _LOAD_REPORT, report.SerializeToString())
        response = messages_pb2.SimpleResponse(payload=_payload(request.response_size, context))
        if request.fill_server_id:
            response.server_id = "grpcio"
        return response

    def CacheableUnaryCall(self, received, context):
        return self.UnaryCall(received, context)

    def StreamingOutputCall(self, received, context):
        call = self._calls.watch(context)
        _begin(context, compressed=True)
        _check_received(received, context)
        yield from self._answer(received.message, context, call)
        call.finish()

    def StreamingInputCall(self, requests, context):
        call = self._calls.watch(context)
        _begin(context)
        size = 0
        for received in requests:
            _check_received(received, context)
            size += len(received.message.payload.body)
        call.finish_stream()
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests, context):
        call = self._calls.watch(context)
        _begin(context, compressed=True)
        for received in requests:
            _check_received(received, context)
            request = received.message
            if request.response_status.code:
                call.finish()
                _check_status(request.response_status, context)
            if request.HasField("orca_oob_report"):
                self._load.set(load_report(request.orca_oob_report))
            yield from self._answer(request, context, call)
        call.finish_stream()

    def HalfDuplexCall(self, requests, context):
        call = self._calls.watch(context)
        _begin(context, compressed=True)
        for received in list(requests):
            _check_received(received, context)
            yield from self._answer(received.message, context, call)
        call.finish_stream()

    def _answer(self, request, context, call):
        for parameters in request.response_parameters:
            if call.ended.wait(parameters.interval_us / 1e6):
                return
            if not parameters.compressed.value:
                context.disable_next_message_compression()
            response = messages_pb2.StreamingOutputCallResponse(
                payload=_payload(parameters.size, context)
            )
            if parameters.fill_peer_socket_address.value:
                response.peer_socket_address = context.peer()
            yield response


class Load:
    """The load report for those who watch, and the service they watch it by."""

    def __init__(self):
        self._report = orca_load_report_pb2.OrcaLoadReport()

    def set(self, report):
        self._report = report

    def StreamCoreMetrics(self, request, context):
        interval = request.report_interval.ToTimedelta().total_seconds()
        interval = max(interval, _SHORTEST_INTERVAL)
        while context.is_active():
            yield self._report
            time.sleep(interval)


def load_report(wanted):
    """The report a test asked for, as it goes over the wire."""
    return orca_load_report_pb2.OrcaLoadReport(
        cpu_utilization=wanted.cpu_utilization,
        mem_utilization=wanted.memory_utilization,
        request_cost=wanted.request_cost,
        utilization=wanted.utilization,
    )


def test_handlers(service):
    """Binds `service` by hand: generated code would hide how a message came."""
    methods = {}
    for method in test_pb2.DESCRIPTOR.services_by_name["TestService"].methods:
        handler = getattr(service, method.name, None)
        if handler is None:
            continue
        arriving = "stream" if method.client_streaming else "unary"
        leaving = "stream" if method.server_streaming else "unary"
        bind = getattr(grpc, f"{arriving}_{leaving}_rpc_method_handler")
        methods[method.name] = bind(
            handler,
            request_deserializer=wire.reader(
                method.input_type._concrete_class, MESSAGE_BYTES_MAX
            ),
            response_serializer=lambda message: message.SerializeToString(),
        )
    return grpc.method_handlers_generic_handler("grpc.testing.TestService", methods)


def load_handlers(load):
    """Binds the service that streams load reports."""
    stream = grpc.unary_stream_rpc_method_handler(
        load.StreamCoreMetrics,
        request_deserializer=orca_pb2.OrcaLoadReportRequest.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(
        "xds.service.orca.v3.OpenRcaService", {"StreamCoreMetrics": stream}
    )


def _begin(context, compressed=None):
    """Sends what a response starts with: the encoding and the echoed metadata."""
    sent = context.invocation_metadata()
    if compressed is not None:
        wanted = dict(sent).get("x-interop-encoding", "gzip") if compressed else "identity"
        context.set_compression(_ENCODINGS[wanted])
    initial = [pair for pair in sent if _echoed(pair, "initial")]
    trailing = [pair for pair in sent if _echoed(pair, "trailing")]
    context.send_initial_metadata(tuple(initial))
    context.set_trailing_metadata(tuple(trailing))


def _echoed(pair, place):
    key = pair[0]
    known = {"initial": "x-grpc-test-echo-initial", "trailing": "x-grpc-test-echo-trailing-bin"}
    return key == known[place] or key.startswith(f"x-interop-{place}-")


def _add_trailer(context, key, value):
    context.set_trailing_metadata((*(context.trailing_metadata() or ()), (key, value)))


def _check_received(received, context):
    if received.over_limit:
        context.abort(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"message unpacks to more than {MESSAGE_BYTES_MAX} bytes",
        )
    wanted = getattr(received.message, "expect_compressed", None)
    if wanted is None or not received.message.HasField("expect_compressed"):
        return
    if wanted.value != received.compressed:
        context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"message came as {received.encoding}, expect_compressed is {wanted.value}",
        )


def _check_status(wanted, context):
    if wanted.code == 0:
        return
    if wanted.code == 3 and wanted.message == "details please":
        context.abort_with_status(rpc_status.to_status(rich_status()))
    context.abort(_CODES.get(wanted.code, grpc.StatusCode.UNKNOWN), wanted.message)


def rich_status():
    """The status with details that a test asks for by its message."""
    detail = any_pb2.Any()
    detail.Pack(
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field="payload", description="details please"
                )
            ]
        )
    )
    return status_pb2.Status(code=3, message="details please", details=[detail])


def _payload(size, context):
    if size < 0:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a payload of {size} bytes")
    return messages_pb2.Payload(body=bytes(size))

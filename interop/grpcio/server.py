"""The peer our client is tested against: `server.py --port 0`.

Prints `listening on PORT` and serves until it is ended.
"""

import argparse
import concurrent.futures
import pathlib

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

import service
import wire
from grpc.testing import empty_pb2

_SERVICES = (
    "grpc.testing.TestService",
    "grpc.testing.XdsUpdateHealthService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
)
_HEALTH_OF = ("", "grpc.testing.TestService")
# One thread for each stream at work: more than a test opens at a time.
_THREADS = 64


class Health(health.HealthServicer):
    """grpcio's own service, and the method it does not have."""

    def List(self, request, context):
        return health_pb2.HealthListResponse(
            statuses={name: self.Check(health_pb2.HealthCheckRequest(service=name), context)
                      for name in _HEALTH_OF}
        )

    def turn(self, status):
        """Sets the status of all that is served; gives a handler that does so."""

        def handler(_request, _context):
            for name in _HEALTH_OF:
                self.set(name, status)
            return empty_pb2.Empty()

        return grpc.unary_unary_rpc_method_handler(
            handler,
            request_deserializer=empty_pb2.Empty.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


class Pool:
    """The default pool, which also finds the file of a method or a field."""

    def __init__(self):
        self._pool = descriptor_pool.Default()

    def __getattr__(self, name):
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol):
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindFileContainingSymbol(symbol.rpartition(".")[0])


def reflection_v1_handlers():
    """Serves v1 with the messages of v1alpha, which are the same on the wire."""
    servicer = reflection.ReflectionServicer(_SERVICES, pool=Pool())
    stream = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    return grpc.method_handlers_generic_handler(
        "grpc.reflection.v1.ServerReflection", {"ServerReflectionInfo": stream}
    )


def start(address, credentials=None):
    """Starts a server; gives it and its port."""
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(_THREADS),
        options=(
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", service.MESSAGE_BYTES_MAX),
            wire.KEEP_COMPRESSED,
        ),
    )
    status = Health()
    for name in _HEALTH_OF:
        status.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    reflection.enable_server_reflection(_SERVICES, server, pool=Pool())
    load = service.Load()
    server.add_generic_rpc_handlers((
        service.test_handlers(service.TestService(load)),
        service.load_handlers(load),
        reflection_v1_handlers(),
        grpc.method_handlers_generic_handler(
            "grpc.testing.XdsUpdateHealthService",
            {
                "SetServing": status.turn(health_pb2.HealthCheckResponse.SERVING),
                "SetNotServing": status.turn(health_pb2.HealthCheckResponse.NOT_SERVING),
            },
        ),
    ))
    port = (
        server.add_secure_port(address, credentials)
        if credentials
        else server.add_insecure_port(address)
    )
    server.start()
    return server, port


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls_cert_file", type=pathlib.Path)
    parser.add_argument("--tls_key_file", type=pathlib.Path)
    parser.add_argument(
        "--client_ca_file", type=pathlib.Path, help="ask clients for a certificate of it, PEM"
    )
    arguments = parser.parse_args()
    credentials = None
    if arguments.tls_cert_file:
        pair = (arguments.tls_key_file.read_bytes(), arguments.tls_cert_file.read_bytes())
        clients = arguments.client_ca_file
        credentials = grpc.ssl_server_credentials(
            (pair,),
            root_certificates=clients.read_bytes() if clients else None,
            require_client_auth=clients is not None,
        )
    server, port = start(f"127.0.0.1:{arguments.port}", credentials)
    print(f"listening on {port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()

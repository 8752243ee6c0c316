"""Runs checks: functions that take a `Peer` and fail by an exception."""

import dataclasses
import time
import traceback

import grpc

# Every call of a check has this deadline unless it brings its own: a check that
# hangs is a check that fails.
CALL_SECONDS = 10
WAIT_SECONDS = 5
_LARGEST_MESSAGE = ("grpc.max_receive_message_length", 64 * 1024 * 1024)

_checks = []


def check(function):
    """Registers a check; the first line of its docstring is what it promises."""
    _checks.append(function)
    return function


@dataclasses.dataclass(frozen=True)
class Tls:
    """The authority to trust, PEM, the name the server's certificate is for, and
    our own key and certificate, PEM, for a server that asks for them."""

    roots: bytes
    name: str
    key: bytes | None = None
    certificate: bytes | None = None


class Peer:
    """The server under test, reached anew by each check."""

    def __init__(self, address, tls=None):
        self._address = address
        self._tls = tls
        self._channels = []

    def channel(self, *options, compression=None):
        """A connection of its own, closed when the check ends."""
        options = (*options, ("grpc.use_local_subchannel_pool", 1), _LARGEST_MESSAGE)
        if self._tls:
            options = (*options, ("grpc.ssl_target_name_override", self._tls.name))
            credentials = grpc.ssl_channel_credentials(
                self._tls.roots, self._tls.key, self._tls.certificate
            )
            channel = grpc.secure_channel(self._address, credentials, options, compression)
        else:
            channel = grpc.insecure_channel(self._address, options, compression)
        self._channels.append(channel)
        return channel

    def close(self):
        for channel in self._channels:
            channel.close()
        self._channels.clear()


def equal(got, wanted, what):
    """Fails unless `got` is `wanted`."""
    if got != wanted:
        raise AssertionError(f"{what}: got {_short(got)}, want {_short(wanted)}")


def true(condition, what):
    """Fails unless the condition holds."""
    if not condition:
        raise AssertionError(what)


def ends_with(code, call):
    """Runs `call`, which must end with `code`; gives the error."""
    try:
        result = call()
    except grpc.RpcError as error:
        if error.code() != code:
            raise AssertionError(
                f"ended with {error.code()} ({error.details()}), want {code}"
            ) from error
        return error
    raise AssertionError(f"answered {_short(result)}, want {code}")


def soon(condition, what):
    """Waits until the condition holds."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {WAIT_SECONDS} s")
        time.sleep(0.01)


def run(peer, pattern):
    """Runs the checks whose name has `pattern` in it; tells how many failed."""
    passed = failed = 0
    for function in _checks:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        if pattern not in name:
            continue
        start = time.monotonic()
        try:
            function(peer)
        except Exception as error:  # noqa: BLE001 (every failure is a result)
            failed += 1
            print(f"FAILED {name}: {_reason(error)}", flush=True)
        else:
            passed += 1
            print(f"ok     {name} ({time.monotonic() - start:.2f} s)", flush=True)
        finally:
            peer.close()
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed if passed + failed else 1


def _reason(error):
    line = traceback.extract_tb(error.__traceback__)[-1]
    text = str(error) if isinstance(error, AssertionError) else repr(error)
    return f"{' '.join(text.split())} [{line.filename.rpartition('/')[2]}:{line.lineno}]"


def _short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"

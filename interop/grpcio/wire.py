"""Sees whether a message was compressed, which grpcio itself keeps to itself.

With `grpc.per_message_decompression` off, grpcio hands over a message as it
came. No message of the test service starts like a gzip or a zlib stream (0x1f
is no valid protobuf tag, 0x78 is field 15, which none of them has), so the
first bytes tell, and this module unpacks what they announce.
"""

import dataclasses
import typing
import zlib

KEEP_COMPRESSED = ("grpc.per_message_decompression", 0)

_GZIP = b"\x1f\x8b\x08"
_AUTOMATIC_HEADER = 32


@dataclasses.dataclass(frozen=True)
class Received:
    """A message and how it came."""

    message: typing.Any
    encoding: str
    over_limit: bool = False

    @property
    def compressed(self):
        return self.encoding != "identity"


def encoding(data):
    """Names the encoding of a message's bytes."""
    if data.startswith(_GZIP):
        return "gzip"
    if len(data) > 2 and data[0] == 0x78 and (data[0] * 256 + data[1]) % 31 == 0:
        return "deflate"
    return "identity"


def reader(message_class, limit_bytes=None):
    """A deserializer that gives `Received`.

    A message that unpacks to more than `limit_bytes` is not unpacked further.
    """

    def read(data):
        found = encoding(data)
        if found != "identity":
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | _AUTOMATIC_HEADER)
            data = unpacker.decompress(data, limit_bytes or 0)
            if limit_bytes and not unpacker.eof:
                return Received(message_class(), found, over_limit=True)
        return Received(message_class.FromString(data), found)

    return read

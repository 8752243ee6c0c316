"""Compiles the protos both ends share, into a folder outside the tree.

Their package is `grpc`, which is also grpcio's, and `grpc.reflection` is its name
for grpcio-reflection: the folders are added to the paths of these packages, so
that `from grpc.testing import messages_pb2` finds them.
Health and reflection v1alpha come from their own PyPI packages, because one
process cannot hold two files that declare the same names.
"""

import os
import pathlib
import sys

import grpc
import grpc_reflection
from grpc_tools import protoc

_HERE = pathlib.Path(__file__).resolve().parent
_ROOTS = (_HERE.parent / "protos", _HERE.parent.parent / "protos")
_FILES = (
    "grpc/testing/empty.proto",
    "grpc/testing/messages.proto",
    "grpc/testing/test.proto",
    "grpc/reflection/v1/reflection.proto",
    "xds/data/orca/v3/orca_load_report.proto",
    "xds/service/orca/v3/orca.proto",
)


def load():
    """Makes the stubs importable; `INTEROP_STUBS` names the folder they go to."""
    folder = pathlib.Path(
        os.environ.get("INTEROP_STUBS")
        or _HERE.parent.parent / ".cache" / "interop" / "stubs"
    )
    folder.mkdir(parents=True, exist_ok=True)
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    arguments = ["protoc"]
    arguments += [f"-I{root}" for root in (*_ROOTS, well_known)]
    arguments += [f"--python_out={folder}", f"--grpc_python_out={folder}", *_FILES]
    if protoc.main(arguments) != 0:
        sys.exit("stubs.py: protoc refused the protos; its own words are above")
    sys.path.insert(0, str(folder))
    grpc.__path__.append(str(folder / "grpc"))
    grpc_reflection.__path__.append(str(folder / "grpc" / "reflection"))


load()

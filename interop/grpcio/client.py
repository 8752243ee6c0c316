"""Tests a server of `grpc.testing.TestService`: `client.py HOST:PORT`.

Prints a line for each check and `N passed, N failed`; exits 0 if none failed.
"""

import argparse
import pathlib
import sys

import stubs  # noqa: F401 (makes the stubs importable for the checks)

import check
from checks import calls, compression, ending, health, limits, metadata, reflection, status  # noqa: F401


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--only", default="", help="run the checks with this in their name")
    parser.add_argument("--ca_file", type=pathlib.Path, help="use TLS; trust this authority, PEM")
    parser.add_argument("--server_host_override", help="the name the certificate is for")
    parser.add_argument("--tls_cert_file", type=pathlib.Path, help="our own certificate, PEM")
    parser.add_argument("--tls_key_file", type=pathlib.Path, help="its key, PEM")
    arguments = parser.parse_args()
    tls = None
    if arguments.ca_file:
        tls = check.Tls(arguments.ca_file.read_bytes(), arguments.server_host_override)
    if tls and arguments.tls_cert_file:
        key, certificate = arguments.tls_key_file, arguments.tls_cert_file
        tls = check.Tls(tls.roots, tls.name, key.read_bytes(), certificate.read_bytes())
    sys.exit(1 if check.run(check.Peer(arguments.address, tls), arguments.only) else 0)


if __name__ == "__main__":
    main()

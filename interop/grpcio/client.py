"""Tests a server of `grpc.testing.TestService`: `client.py HOST:PORT`.

Prints a line for each check and `N passed, N failed`; exits 0 if none failed.
"""

import argparse
import sys

import stubs  # noqa: F401 (makes the stubs importable for the checks)

import check
from checks import calls, compression, ending, health, limits, metadata, reflection, status  # noqa: F401


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("--only", default="", help="run the checks with this in their name")
    arguments = parser.parse_args()
    sys.exit(1 if check.run(arguments.address, arguments.only) else 0)


if __name__ == "__main__":
    main()

"""The checks, a file for each side of a call that they look at."""

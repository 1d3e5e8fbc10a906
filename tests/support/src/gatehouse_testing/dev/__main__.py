"""Where `./dev` hands over, inside `.venv`."""

import sys

from gatehouse_testing.dev.commands import dispatch

if __name__ == "__main__":
    sys.exit(dispatch(sys.argv[1:]))

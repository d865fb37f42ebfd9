"""Makes `python -m netra` the same as `netra`.

It must never do more than hand over.
"""

import sys

from netra.cli.main import run

if __name__ == "__main__":
    sys.exit(run())

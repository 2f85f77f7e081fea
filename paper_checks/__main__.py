"""`python -m paper_checks`, the same as `paper-checks`."""

import sys

from paper_checks.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())

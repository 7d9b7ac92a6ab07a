"""`python -m l2l`, for where the command `l2l` is not on the path (a rule's conda environment, torchrun)."""

import sys

from l2l.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

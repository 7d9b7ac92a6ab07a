"""The command `l2l`, and `python -m l2l` where it is not on the path (a rule's conda environment, torchrun)."""

import sys

from l2l import sigterm
from l2l.errors import Stopped


def main() -> int:
    """Run the command line. SIGTERM is heard before its imports, which take longer than some commands."""
    try:
        sigterm.listen()
        from l2l.cli.main import main

        return main()
    except Stopped as error:  # `main` says it itself, once it runs
        print(f"l2l: {error}", file=sys.stderr)
        return error.status
    finally:
        sigterm.ignore()


if __name__ == "__main__":
    sys.exit(main())

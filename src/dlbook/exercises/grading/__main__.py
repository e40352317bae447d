"""``python -m dlbook.exercises.grading``."""

import sys

from dlbook.exercises.grading import main

if __name__ == "__main__":
    sys.exit(main())

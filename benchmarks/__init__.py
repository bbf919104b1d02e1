"""Each benchmark is a ratio to a named reference that runs beside it. They share their parts with the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))

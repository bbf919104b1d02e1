"""`python -m cli` is `jpki`."""

from . import main

main()

"""``python -m transportkit.cli``."""

from . import main

main()

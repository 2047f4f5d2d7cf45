"""``python -m transportkit``, the same as `tk`."""

from .cli import main

main()

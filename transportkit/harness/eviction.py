"""Whether this machine is being taken away. The exit that a scheduler then raises, in whatever code
it strikes, is no failure of that code: the run is left undone, to be gone on with elsewhere."""

from threading import Event

_coming = Event()


def announce() -> None:
    """Say that the process is about to be ended."""
    _coming.set()


def coming() -> bool:
    """Whether an exit is the machine's end rather than a plugin's doing."""
    return _coming.is_set()

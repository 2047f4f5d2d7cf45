"""Where runs are executed: the same runs and the same store behind one interface."""

from .base import Backend as Backend
from .base import Work as Work
from .choice import BACKENDS as BACKENDS
from .choice import backend as backend
from .local import in_processes as in_processes
from .local import serially as serially

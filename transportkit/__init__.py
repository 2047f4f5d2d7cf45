"""transportkit: transport methods side by side.

The public names are listed in ``__init__.pyi``; each is imported when it is first used, so that
importing the package costs milliseconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"

"""Conformance: what every plugin must do, as checks that run under pytest and by `tk plugin check`.

`conformance` parametrises a test with the checks of one plugin, `conform` runs them and reports.
"""

from .outcome import Outcome as Outcome
from .outcome import Report as Report
from .outcome import Skip as Skip
from .suite import Check as Check
from .suite import checks as checks
from .suite import conform as conform
from .suite import conformance as conformance

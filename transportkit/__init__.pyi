# The public names of transportkit, all of them, in one place: this stub is also what the package
# reads at run time to know where each name lives, and each is imported when it is first used.

from .core.integrator import Integrator as Integrator
from .core.integrator import Solution as Solution
from .core.method import Method as Method
from .core.metric import DistributionMetric as DistributionMetric
from .core.metric import Evidence as Evidence
from .core.metric import Metric as Metric
from .core.model import Contact as Contact
from .core.model import DiffusionField as DiffusionField
from .core.model import Field as Field
from .core.model import IntervalField as IntervalField
from .core.model import Map as Map
from .core.model import Model as Model
from .core.model import PlateField as PlateField
from .core.objective import Game as Game
from .core.objective import Objective as Objective
from .core.objective import Solvable as Solvable
from .core.params import NoParams as NoParams
from .core.params import param as param
from .core.problem import Empirical as Empirical
from .core.problem import EntropicPlan as EntropicPlan
from .core.problem import Law as Law
from .core.problem import Marginal as Marginal
from .core.problem import Problem as Problem
from .core.problem import Truth as Truth
from .core.random import derive as derive
from .core.random import global_seed_from as global_seed_from
from .core.random import spawn as spawn
from .core.record import Budget as Budget
from .core.record import Choice as Choice
from .core.record import Result as Result
from .core.record import Run as Run
from .core.record import Value as Value
from .core.span import Interval as Interval
from .core.span import Plate as Plate
from .core.span import Span as Span
from .core.spec import API_VERSION as API_VERSION
from .core.spec import IntegratorSpec as IntegratorSpec
from .core.spec import MethodSpec as MethodSpec
from .core.spec import MetricSpec as MetricSpec
from .core.spec import ProblemSpec as ProblemSpec
from .core.status import Stop as Stop
from .core.trainer import Fit as Fit
from .core.trainer import Progress as Progress
from .core.trainer import Trainer as Trainer
from .errors import DataError as DataError
from .errors import Diverged as Diverged
from .errors import PluginError as PluginError
from .errors import Refusal as Refusal
from .errors import TransportkitError as TransportkitError
from .errors import UsageError as UsageError
from .integrate.field_lines import Lines as Lines
from .integrate.ode import RK4 as RK4
from .integrate.ode import Dopri5 as Dopri5
from .integrate.ode import Euler as Euler
from .integrate.ode import Midpoint as Midpoint
from .integrate.sde import EulerMaruyama as EulerMaruyama
from .nets.mlp import TimeMLP as TimeMLP
from .nets.mlp import mlp as mlp
from .train.descent import Descent as Descent
from .train.direct import Direct as Direct
from .transport import Moved as Moved
from .transport import Transport as Transport

__version__: str
__all__: list[str]

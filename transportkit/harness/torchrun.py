"""One run on several processes of torchrun: the first does it, the others help it train."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from .. import registry
from ..core.random import derive
from ..core.record import Run
from ..core.threads import threads
from ..errors import TransportkitError, UsageError
from ..train.team import Team
from . import device as devices
from .fitting import Fitter, silent
from .scale import check_scale
from .store import Store


def started() -> bool:
    """Whether torchrun started this process with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "LOCAL_RANK" in os.environ


def own_device(name: str) -> str:
    """This process's device: where several GPUs are asked for by one name, its own of them."""
    if devices.kind(name) != "cuda" or ":" in name:
        return name
    rank, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if rank >= count:
        raise UsageError(
            f"torchrun started more processes than there are GPUs here, {count}; start it with "
            f"--nproc-per-node {count}, or ask tk for --device cpu"
        )
    return f"cuda:{rank}"


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """The team of the processes that torchrun started; this process alone where it did not.

    Nothing of the process group, its threads included, is left afterwards.
    """
    if not started():
        yield Team()
        return
    place = devices.resolve(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    # An optimiser imports this module, whose functions keep as a default the group there is by
    # then. A group that is kept outlives its destruction, threads and all, and a thread that lets
    # go of its last tensor while the interpreter shuts down aborts the process.
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Team.here()
    finally:
        dist.destroy_process_group()


def to_train(team: Team, run: Run, store: Store, device: str, fresh: bool) -> bool:
    """Whether the run's model is yet to be trained, as the first process sees it."""
    place = devices.resolve(device)
    known = False
    if team.rank == 0 and not fresh:
        known = store.find(run) is not None or store.find_fit(run, str(place)) is not None
    return not team.first(float(known), place)


def help_train(run: Run, store: Store, device: str, fresh: bool) -> None:
    """Train along with the first process, and leave everything else to it.

    What makes it refuse or fail on purpose makes the first process do so too, which says it.
    """
    place = devices.resolve(device)
    try:
        with threads(run.threads), devices.products(run.tf32):
            problem = registry.make("problem", run.problem)
            check_scale(problem, run.problem.name)
            problem = problem.split(run.train, derive(run.seed, "split"))
            method = registry.make("method", run.method)
            if method.refuses(problem.for_training()) is None:
                steps = registry.make("integrator", run.integrator) if run.integrator else None
                Fitter(store, place, silent, fresh).train(run, method, problem, steps)
    except TransportkitError:
        return

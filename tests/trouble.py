"""A distribution of methods and metrics that misbehave when they are used."""

from __future__ import annotations

from tests.strangers import Strangers

CODE = """
from dataclasses import dataclass

from transportkit import Map, Method, MethodSpec, Metric, MetricSpec


def spec(name, implementation):
    return MethodSpec(summary=name, implementation=f"strange_plugin:{implementation}", model="map")


bursts = spec("raises in training", "Bursts")
hungry = spec("wants too much memory", "Hungry")
picky = spec("refuses every problem", "Picky")
absent = spec("has no implementation", "Nothing")
exits = spec("calls exit", "Exits")
dies = spec("ends the process", "Dies")
brittle = MetricSpec(summary="raises", implementation="strange_plugin:Brittle", default=False)
endless = MetricSpec(summary="infinite", implementation="strange_plugin:Endless", default=False)


class Bursts(Method):
    def objective(self, problem, generator):
        raise RuntimeError("a pipe\\nburst")

    def trainer(self):
        raise NotImplementedError

    def blank(self, config):
        raise NotImplementedError


class Hungry(Bursts):
    def objective(self, problem, generator):
        raise MemoryError


class Picky(Bursts):
    def refuses(self, problem):
        return "this is not to its taste"


class Exits(Bursts):
    def objective(self, problem, generator):
        print("leaving")
        raise SystemExit(0)


class Dies(Bursts):
    def objective(self, problem, generator):
        import os

        os._exit(3)


@dataclass(frozen=True)
class Brittle(Metric):
    def evaluate(self, evidence, generator):
        raise ZeroDivisionError("nothing to divide by")


@dataclass(frozen=True)
class Endless(Metric):
    def evaluate(self, evidence, generator):
        return float("inf")
"""
METHODS = ("bursts", "hungry", "picky", "absent", "exits", "dies")
METRICS = ("brittle", "endless")


def install_trouble(strangers: Strangers) -> None:
    """Install it; one more method, `shattered`, has no spec at all."""
    points = {name: f"strange_plugin:{name}" for name in (*METHODS, "shattered")}
    points |= {"a/../b": "strange_plugin:bursts"}
    strangers.install("strange-plugin", points, {"strange_plugin": CODE}, kind="method")
    points = {name: f"strange_plugin:{name}" for name in METRICS}
    strangers.install("strange-metrics", points, {}, kind="metric")

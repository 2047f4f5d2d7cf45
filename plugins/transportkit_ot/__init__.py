"""Optimal transport: maps and bridges between two samples for the squared Euclidean cost.

The theory by folder: plans between samples (`discrete`), Gaussians and their mixtures
(`gaussian`), transport along lines (`slices`), Schroedinger bridges (`bridge`), maps by
networks (`neural`). Here the specs alone; each method's implementation loads when it runs.
"""

from __future__ import annotations

from .bridge import dsbm as dsbm
from .bridge import lightsb as lightsb
from .bridge import lightsb_m as lightsb_m
from .discrete import emd as emd
from .discrete import sinkhorn as sinkhorn
from .discrete import unbalanced as unbalanced
from .gaussian import gmm as gmm
from .gaussian import linear as linear
from .neural import mmv1 as mmv1
from .neural import mmv2 as mmv2
from .neural import monge_gap as monge_gap
from .neural import neural_ot as neural_ot
from .slices import sliced as sliced

"""Couplings: which source point is paired with which target point."""

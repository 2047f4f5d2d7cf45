"""Paths between the two points of a pair: a mean and a noise about it, which combine freely."""

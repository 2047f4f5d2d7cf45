"""Statistics of a comparison: intervals, paired tests, and the smallest difference to be seen."""

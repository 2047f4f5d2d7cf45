"""The harness: plans runs, executes them, stores and compares what comes out."""

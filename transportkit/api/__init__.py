"""What the command line does, from Python: `run`, `compare`, `push`, `load`, `gather`, `info`.

The functions take what one would type and return objects; nothing is printed and nothing is kept
between calls but the runs in their folder. They are imported from `transportkit` itself.
"""

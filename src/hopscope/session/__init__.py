"""Starts and restarts the worker, owns the clock's anchor, many targets and their names; hands out immutable
snapshots. Knows no front end."""

"""The version of this package, for every floor to read."""

__version__ = "0.1.0"

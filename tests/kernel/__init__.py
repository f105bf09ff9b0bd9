"""Tests over real kernel routers; see `tests.lab`."""

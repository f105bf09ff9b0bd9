"""The vocabulary between the probe worker and whoever drives it: typed messages, framing, a version. Sans-IO.

The protocol for people (and for other programs) stands in ``docs/protocol.md``.
"""

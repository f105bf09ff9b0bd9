"""Metrics for Prometheus: a session's numbers as OpenMetrics text, over HTTP.

`families` is the table of all there is, `exposition.Exposition` makes text of a `session.tally.SessionTally`, and
`server.MetricsServer` answers scrapes with it, in the loop of whoever has the tally. A scrape reads sums that are kept
anyway: a probe costs nothing more. The standard library alone; imported where metrics are asked for.
"""

from __future__ import annotations

from typing import Final

PATH: Final = "/metrics"
"""Of the address at which they are asked for."""

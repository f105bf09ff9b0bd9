"""What happened, on disk: the facts of a session, exact to the nanosecond, to be folded again at any later time.

A store is one SQLite file (`schema`), written by a thread beside the session (`recorder`, `writer`) and read by whoever
replays it (`store`). Nothing that could be derived from facts is in it.
"""

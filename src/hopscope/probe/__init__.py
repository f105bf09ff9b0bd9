"""The worker: a process of its own that holds the schedule and the sockets. It speaks `hopscope.wire` on its standard
input and output, and knows nothing of who draws what it says."""

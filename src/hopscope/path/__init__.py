"""Events in, path out: hops, nodes, statistics, the route. Pure: no clock, no socket, no thread, no randomness."""

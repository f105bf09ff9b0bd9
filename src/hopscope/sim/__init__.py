"""A simulated internet, described as data: packets in, packets out, by virtual or real time."""

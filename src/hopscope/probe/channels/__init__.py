"""Ways to send a probe and to hear its answer, one a file. `base` is what the engine sees of each."""

"""What is wrong with a path, where, since when, and how sure: a fold over the same facts as `hopscope.path`."""

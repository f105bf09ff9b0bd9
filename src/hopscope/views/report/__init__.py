"""Reports: a snapshot printed once, one format a file."""

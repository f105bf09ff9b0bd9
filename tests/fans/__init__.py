"""Networks with parallel paths, each with what must be said of it, in virtual time, by engine and fold."""

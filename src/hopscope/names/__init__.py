"""Address in, facts out: reverse DNS, owner, place. Cached, bounded, cancellable, cleaned at the door."""

"""Many sites, one store: agents that probe and record, a hub that has all of it, and what they say to each other over
NATS JetStream. See ``docs/fleet.md``."""

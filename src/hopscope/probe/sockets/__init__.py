"""What the channels need of the system's sockets: options, stamps, error queues, routes."""

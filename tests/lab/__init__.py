"""The test lab: real kernel routers in network namespaces of the tests' own, a capture, and a plain user."""

"""What hopscope costs and how true it is, measured beside its peers; `run` is the command."""

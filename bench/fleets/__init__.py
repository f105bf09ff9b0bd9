"""What ``bench/fleet.py`` measures of an agent and its hub, a module each."""

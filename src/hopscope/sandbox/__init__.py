"""How a process of hopscope gives up what it may do: identity, capabilities, Landlock, seccomp.

Loads nothing but the standard library's basics: all of it runs before anything else is imported, as root perhaps.
"""

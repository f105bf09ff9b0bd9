"""Agents, broker and hub."""

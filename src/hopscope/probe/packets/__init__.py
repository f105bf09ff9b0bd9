"""Packets as bytes: templates that Scapy builds once, patches, and parsers that never raise."""

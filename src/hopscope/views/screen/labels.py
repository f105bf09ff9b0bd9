"""What a hop's node is called: names, addresses or both, its owner, its MPLS labels."""

from __future__ import annotations

from hopscope.names.facts import AddressInfo
from hopscope.path.snapshot import Hop, Node
from hopscope.session.model import Target
from hopscope.views.screen.options import NamesMode

NOTHING = AddressInfo()
CLAIM = " ?"


def facts_of(target: Target, address: str) -> AddressInfo:
    """What is known of an address."""
    return target.names.get(address, NOTHING)


def host(target: Target, node: Node, mode: NamesMode) -> tuple[str, str]:
    """How a node is called, and what stands beside it more quietly (the address, where both are asked for)."""
    name = facts_of(target, node.address).hostname
    if mode == "addresses" or not name:
        return node.address, ""
    return name, node.address if mode == "both" else ""


def mark(target: Target, node: Node, mode: NamesMode) -> str:
    """A sign behind a name that does not lead back to its address; empty where there is nothing to be said."""
    facts = facts_of(target, node.address)
    return CLAIM if mode != "addresses" and facts.hostname and facts.verified is False else ""


def owner(target: Target, address: str) -> str:
    """The AS of an address: ``AS13335``, or what kind of address it is where nobody owns it, or nothing."""
    facts = facts_of(target, address)
    if facts.asns:
        return f"AS{facts.asns[0].number}"
    return facts.scope or ""


def owner_line(target: Target, address: str) -> str:
    """All that is known of who has an address, in a line; empty where nothing is."""
    facts = facts_of(target, address)
    parts = [f"AS{asn.number} {asn.name or ''} {asn.country or ''}".rstrip() for asn in facts.asns]
    if facts.geo:
        parts.append(", ".join(part for part in (facts.geo.city, facts.geo.country) if part))
    if facts.scope:
        parts.append(f"{facts.scope} address")
    return " · ".join(part for part in parts if part)


def labels(hop: Hop) -> str:
    """MPLS labels of the last answer: ``MPLS 16004/24001``, or nothing."""
    return "MPLS " + "/".join(str(label.label) for label in hop.mpls) if hop.mpls else ""


def share(hop: Hop, node: Node) -> str:
    """How much of a hop's answers came from a node."""
    whole = sum(other.received for other in hop.nodes)
    return f"{100 * node.received / whole:.0f} %" if whole else ""

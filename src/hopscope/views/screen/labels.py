"""What a hop's node is called: names, addresses or both, and its owner."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from hopscope.names.facts import AddressInfo
from hopscope.path.snapshot import Hop, Node
from hopscope.session.model import Target
from hopscope.views.screen import hosts
from hopscope.views.screen.options import NamesMode, RowOptions

NOTHING = AddressInfo()
CLAIM = " ?"
SURELY = 3
"""Answers in a row from elsewhere after which an address is one of a former path."""


def facts_of(target: Target, address: str) -> AddressInfo:
    """What is known of an address."""
    return target.names.get(address, NOTHING)


def host(target: Target, node: Node, mode: NamesMode) -> tuple[str, str]:
    """How a node is called, and what stands beside it more quietly (the address, where both are asked for)."""
    name = facts_of(target, node.address).hostname
    if mode == "addresses" or not name:
        return node.address, ""
    return name, node.address if mode == "both" else ""


def present(target: Target, hop: Hop) -> tuple[Node, ...]:
    """The addresses at which the path goes through a hop now, several where they are parallel; those of a former path
    are none of them. Where it is silent now: the last one that answered."""
    own = _present(target, hop)
    return own if not target.flows or hop.is_target else (*own, *_of_other_flows(target, hop, own))


def _of_other_flows(target: Target, hop: Hop, own: Sequence[Node]) -> list[Node]:
    """Where the others of several flows go through this hop."""
    seen, out = {node.address for node in own}, []
    for flow in target.flows:
        hops = flow.path.hops
        place = hop.ttl - hops[0].ttl if hops else -1
        if 0 <= place < len(hops) and hops[place].nodes and not hops[place].is_target:
            newest = max(hops[place].nodes, key=lambda node: node.last_at or 0)
            if newest.address not in seen:
                seen.add(newest.address)
                out.append(newest)
    return out


def _present(target: Target, hop: Hop) -> tuple[Node, ...]:
    nodes = hop.nodes
    if len(nodes) < 2:
        return nodes
    newest = max(nodes, key=lambda node: node.last_at or 0)
    epochs = target.judged.epochs
    if epochs:
        index = hop.ttl - epochs[-1].first_ttl
        addresses = epochs[-1].addresses[index] if 0 <= index < len(epochs[-1].addresses) else ()
        nodes = tuple(node for node in nodes if node.address in addresses) or (newest,)
    return tuple(node for node in nodes if not _is_former(target, hop, nodes, node))


def _is_former(target: Target, hop: Hop, nodes: Sequence[Node], node: Node) -> bool:
    """Whether all answers of those that answered later came after its last one: that is no sign of two ways at once."""
    last, times = node.last_at or 0, target.path.round_times
    begin = bisect_right(times, last)
    if begin == 0:
        return True
    first = max(0, target.path.first_round + begin - hop.window.first_round)
    since = sum(1 for sample in hop.window.samples[first:].tolist() if sample >= 0)
    later = sum(other.received for other in nodes if (other.last_at or 0) > last)
    return since >= SURELY and later <= since


def called(target: Target, nodes: Sequence[Node], options: RowOptions) -> tuple[str, str]:
    """How a hop is called in one row: its first node, or the parallel ones together, as ``ae4-{0,1}.edge1``."""
    if len(nodes) > 1 and not options.unfolded and options.names == "names":
        names = [facts_of(target, node.address).hostname for node in nodes]
        if all(names):
            one = hosts.together([name for name in names if name])
            if one is not None:
                return one, ""
    return host(target, nodes[0], options.names)


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


def share(hop: Hop, node: Node) -> str:
    """How much of a hop's answers came from a node; nothing of one at which only other flows go through."""
    whole = sum(other.received for other in hop.nodes) if node in hop.nodes else 0
    return f"{100 * node.received / whole:.0f} %" if whole else ""

"""One target, one report: ``python examples/one_report.py [TARGET]``; without a target on a simulated network."""

import sys

import hopscope


def main(target: str | None) -> int:
    try:
        if target is None:
            report = hopscope.trace("192.0.2.80", method="simulated", rounds=5, interval_s=0.1, timeout_s=0.5)
        else:
            report = hopscope.trace(target, rounds=5)
    except (hopscope.TraceError, ValueError) as error:
        print(f"one_report: {error}", file=sys.stderr)
        return 2
    for hop in report.hops:
        names = ", ".join(node.hostname or node.address for node in hop.nodes) or "no answer"
        average = f"{hop.rtt_ms.avg:.3f} ms" if hop.rtt_ms else "-"
        print(f"{hop.ttl:3}  {names:40} {hop.received:3} of {hop.sent:3}  {average:>12}")
    return 0 if report.reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))

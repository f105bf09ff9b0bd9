"""A worker of the tests' own: speaks the protocol, and misbehaves as its first argument says. Run by path."""

from __future__ import annotations

import json
import os
import sys
import time

STORM = 20_000


def say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(manner: str, memory: str = "") -> None:
    """`memory` is a file that outlives this process: how often one was started, and what they were told."""
    lives = 1
    if memory:
        with open(memory, "a+", encoding="utf-8") as file:
            file.write("started\n")
            file.seek(0)
            lives = file.read().count("started\n")
    deaths = {"dies-at-once": 10**9, "dies-often": 15, "dies-five-times": 5, "dies-once": 1}
    if lives <= deaths.get(manner, 0):
        sys.stderr.write("no such luck\n")
        sys.exit(7)
    starts = 0
    for line in sys.stdin:
        command = json.loads(line)
        if memory:
            with open(memory, "a", encoding="utf-8") as file:
                file.write(line)
        kind = command["type"]
        if kind == "hello":
            if manner == "refuses-the-version":
                say(type="problem", message="this worker speaks version 9", fatal=True)
                sys.exit(1)
            if manner == "floods":
                sys.stderr.write("x" * 3_000_000 + "\nthe last line\n")
            version = 1 if manner == "other-version" else 2
            say(
                type="welcome",
                version=version,
                hopscope="0",
                pid=os.getpid(),
                user="tester",
                anchor_ns=0,
                now_at=time.time_ns(),
            )
        elif kind == "start":
            if manner == "counts":
                say(type="counters", malformed=lives, foreign=10 * lives)
            starts += 1
            if manner == "no-route" or (manner == "no-route-twice" and starts < 3):
                say(type="refused", target=command["target"], reason="no-route", message="no route")
            elif manner == "forbids-twice" and starts < 3:
                say(type="refused", target=command["target"], reason="permission", message="not allowed")
            else:
                probe(command["target"], command["plan"], manner)
            if manner == "counts" and lives == 1:
                os._exit(9)
        elif kind == "stop":
            say(type="stopped", target=command["target"])
        elif kind == "capabilities":
            if manner == "dies-when-asked" and lives == 1:
                os._exit(9)
            say(type="capabilities-report", user="tester", states=[])
    sys.exit(0)


def probe(target: int, plan: dict[str, object], manner: str) -> None:
    first = int(str(plan.get("first_round", 0)))
    now = time.time_ns()
    if manner == "refuses":
        say(type="refused", target=target, reason="permission", message="not allowed", remedy="sudo something")
        return
    if manner == "waits-to-be-killed" or (manner == "stalls" and first == 0):
        say(type="round", target=target, round=first, at=now)
        say(type="sent", target=target, round=first, ttl=1, sent_at=now)
        return
    if manner == "loses-icmp" and first == 1 and plan.get("protocol", "icmp") == "icmp":
        say(type="refused", target=target, reason="permission", message="not allowed", remedy="sudo something")
        return
    if manner == "refuses-rudely":
        say(type="refused", target=target, reason="limit", message="no\x1b[2J\nmore", remedy="\u202etry")
        return
    about = {"target": target, "method": "raw", "source": "10.0.0.1", "source_port": None, "port": None}
    if manner == "rude":
        about |= dict.fromkeys(("note", "source", "answered_by"), "\x1b]0;owned\x07")
    say(type="started", packet_size=64, flow="one", clock="kernel", **about)
    say(type="round", target=target, round=first, at=now)
    for ttl in (1, 2):
        say(type="sent", target=target, round=first, ttl=ttl, sent_at=now)
    address, kind = str(plan["address"]), "echo-reply"
    if manner == "garbage":
        sys.stdout.write("garbage\n" + "x" * 200_000 + '\n{"type":"unheard of"}\n\n{"type":"sent"}\n')
    if manner == "rude":
        for nonsense in ("\x1b[2J", "example.net", "1" * 5000, "fe80::1%\x07"):
            say(type="answered", target=target, round=first, ttl=1, sent_at=now, rtt_ns=1, address=nonsense,
                kind="time-exceeded")  # fmt: skip
        say(type="failed", target=target, round=first, ttl=3, sent_at=now, error="E\x07", message="no\x1b[2J")
    if manner == "babbles" and first == 0:
        sys.stdout.write("babble\n" * 20_000)
    if manner == "storms":
        again = {"target": target, "round": first, "ttl": 1, "sent_at": now, "rtt_ns": 10**6, "address": "10.0.0.254"}
        sys.stdout.write((json.dumps({"type": "duplicate", "kind": "time-exceeded", **again}) + "\n") * STORM)
    if manner == "late":
        say(type="lost", target=target, round=first, ttl=1, sent_at=now)
    fate = "late" if manner == "late" else "answered"
    say(type=fate, target=target, round=first, ttl=1, sent_at=now, rtt_ns=10**6, address="10.0.0.254",
        kind="time-exceeded", icmp_type=11, icmp_code=0)  # fmt: skip
    if manner == "loses-icmp" and first == 0:
        os._exit(9)
    if manner == "dies-in-flight" and first < 2:
        sys.stdout.write('{"type":"answered","target":1,"rou')
        sys.stdout.flush()
        os._exit(9)
    say(type="answered", target=target, round=first, ttl=2, sent_at=now, rtt_ns=2 * 10**6, address=address, kind=kind)
    if manner == "counts" and first == 0:
        return
    say(type="finished", target=target, rounds=first + 1)
    if manner == "late":
        say(type="duplicate", target=target, round=first, ttl=2, sent_at=now, rtt_ns=9, address=address, kind=kind)


if __name__ == "__main__":
    main(*sys.argv[1:])

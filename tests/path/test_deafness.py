"""What this machine could not hear is told in its own words, and is not called what it could not send."""

from __future__ import annotations

from hopscope.judge.judge import Judge
from hopscope.path.fold import PathFold
from hopscope.path.hop_health import hop_health
from hopscope.wire.messages import Answered, Event, Failed, Finished, RoundStarted, Sent
from hopscope.words.hops import hop_words
from hopscope.words.said import Said
from tests.words.subjects import Subject

S = 1_000_000_000
DEAF = "this computer's receive buffer overflowed while the probe was in flight"


def test_what_this_machine_could_not_hear_is_not_called_what_it_could_not_send() -> None:
    fold, judge = PathFold("192.0.2.80"), Judge("192.0.2.80")
    events: list[Event] = []
    for n in range(8):
        events += [RoundStarted(1, n, n * S), Sent(1, n, 1, n * S)]
        if n < 4:
            events.append(Answered(1, n, 1, n * S, 1000, "192.0.2.80", "echo-reply"))
        else:
            events.append(Failed(1, n, 1, n * S, "OVERFLOW", DEAF))
    for event in (*events, Finished(1, 8)):
        fold.apply(event)
        judge.apply(event)
    path = fold.snapshot()
    words = Said(Subject(judge.judged(), path, {}), str).sentence.line
    for said in (words, hop_words(hop_health(path, path.hops[0]))):
        assert "receive buffer overflowed" in said
        assert "cannot send" not in said, said

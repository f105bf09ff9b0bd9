"""What this machine could not hear is told in its own words, and is not called what it could not send."""

from __future__ import annotations

from hopscope.path.fold import PathFold
from hopscope.path.health import health
from hopscope.path.hop_health import hop_health
from hopscope.views.prose import hop_words, sentence
from hopscope.wire.messages import Answered, Failed, RoundStarted, Sent

S = 1_000_000_000
DEAF = "this computer's receive buffer overflowed while the probe was in flight"


def test_what_this_machine_could_not_hear_is_not_called_what_it_could_not_send() -> None:
    fold = PathFold("192.0.2.80")
    for n in range(8):
        fold.apply_all([RoundStarted(1, n, n * S), Sent(1, n, 1, n * S)])
        if n < 4:
            fold.apply(Answered(1, n, 1, n * S, 1000, "192.0.2.80", "echo-reply"))
        else:
            fold.apply(Failed(1, n, 1, n * S, "OVERFLOW", DEAF))
    path = fold.snapshot()
    for said in (sentence(health(path)).line, hop_words(hop_health(path, path.hops[0]))):
        assert "receive buffer overflowed" in said
        assert "cannot send" not in said, said

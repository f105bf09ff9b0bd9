"""A paste is text, whatever it holds and however it arrives; keys pass it by unchanged and at once."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from hopscope.views.screen.dialogs.prompt import Prompt, PromptField
from hopscope.views.screen.keys import PASTE_PAUSE_S, Keys
from hopscope.views.screen.pastes import END, MOST, START, Pastes, plain
from tests.screen.conftest import Drive
from tests.screen.scripted import usual


@pytest.mark.parametrize(
    "keys", ["q", "\x1b", "\x1b[A", "\x1b[200", "\x1b[20~", "\x1b\x1b[201~", "日\x1b[<0;3;4M", "\x00"]
)
def test_keys_pass_unchanged_and_at_once(keys: str) -> None:
    assert Pastes().feed(keys) == keys


STREAM = f"\x1b[Aq{START}one\x1b[Btwo\x00\x07\x1b[200~\x1b[31m\u202ethree{END}\x1b[C{START}{END}x"
FILTERED = f"\x1b[Aq{START}one[Btwo[200~[31mthree{END}\x1b[C{START}{END}x"


@pytest.mark.parametrize("at", range(len(STREAM)))
def test_a_paste_has_no_escapes_wherever_it_was_cut_into_pieces(at: int) -> None:
    pastes = Pastes()
    assert pastes.feed(STREAM[:at]) + pastes.feed(STREAM[at:]) == FILTERED


def test_a_paste_that_comes_a_character_at_a_time_is_the_same() -> None:
    pastes = Pastes()
    assert "".join(map(pastes.feed, STREAM)) == FILTERED


def test_of_a_huge_paste_only_so_much_is_taken_and_the_next_is_whole() -> None:
    pastes = Pastes()
    out = "".join(pastes.feed(part) for part in (START, *["x" * 10_000] * 100, END, START + "next" + END + "q"))
    assert out == START + "x" * MOST + END + START + "next" + END + "q"


def test_the_parser_of_keys_sees_one_paste_and_no_key_of_its_text() -> None:
    parser = XTermParser()
    seen = list(parser.feed(Pastes().feed(f"{START}a\x1bq\x1b[15~\x03{END}p")))
    assert [(type(event), getattr(event, "text", getattr(event, "key", ""))) for event in seen] == [
        (events.Paste, "aq[15~"),
        (events.Key, "p"),
    ]


def test_a_paste_whose_end_never_comes_is_over_after_a_pause_and_the_next_key_is_heard() -> None:
    keys = Keys()
    assert keys.feed(f"{START}half a pa".encode(), 10.0) == []
    assert keys.are_in_a_paste
    assert [*keys.feed(b"ste", 11.9), *keys.tick(11.9), *keys.tick(13.8)] == []
    seen = [*keys.tick(11.9 + PASTE_PAUSE_S), *keys.feed(b"q", 20.0)]
    assert [getattr(event, "text", getattr(event, "key", "")) for event in seen] == ["half a paste", "q"]
    assert not keys.are_in_a_paste


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\tb\r\nc\rd\n", "a b\nc\nd\n"),
        ("\x7f\x9b\u2028\u200b\ue000z", "z"),
        ("日本 é", "日本 é"),
        ("نامه\u200cای", "نامه\u200cای"),
    ],
)
def test_what_is_not_text_is_left_out(text: str, left: str) -> None:
    assert plain(text) == left


async def test_a_prompt_says_what_of_a_paste_it_did_not_take(drive: Drive) -> None:
    async with drive(usual().play(3)) as it:
        for text, value, said in (
            ("one.example", "one.example", ""),
            ("\n\ntwo.example\nthree.example\n", "two.example three.example", ""),
            ("y" * 5000, "y" * 4096, "the paste was too long"),
            ("\n0.5\n2\n", "0.5", "only the first lines of the paste were taken"),
        ):
            await it.press("i" if text == "\n0.5\n2\n" else "a")
            prompt = it.app.screen
            assert isinstance(prompt, Prompt)
            field = prompt.query_one(PromptField)
            field.post_message(events.Paste(text))
            await it.until(lambda field=field, value=value: field.value == value)  # type: ignore[misc] # defaults
            await it.pilot.pause()
            assert prompt.said == said
            await it.press("escape")


def test_the_end_of_a_line_that_is_cut_in_two_is_one_end() -> None:
    whole = Pastes().feed("\x1b[200~a\r\nb\rc\x1b[201~")
    pastes = Pastes()
    assert "".join(pastes.feed(char) for char in "\x1b[200~a\r\nb\rc\x1b[201~") == whole == "\x1b[200~a\nb\nc\x1b[201~"

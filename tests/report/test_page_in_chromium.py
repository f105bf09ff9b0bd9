"""The HTML report as somebody at a support desk sees it: in a browser, light and dark, and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import run
from tests.lab import chromium

pytestmark = pytest.mark.needs("chromium", "pdftotext", "pdftoppm")

HEADINGS = ("Hops", "Latency along the path (ms)", "Latency over time (ms)")


def page_of(folder: Path, scenario: str, *words: str, rounds: int = 60) -> Path:
    """A report of a demo, in a zone that is not UTC."""
    done = run("demo", scenario, "--fast", "-c", str(rounds), "--format", "html", *words, TZ="Asia/Kolkata")
    assert done.returncode in (0, 1), done.stderr
    page = folder / f"{scenario}.html"
    page.write_text(done.stdout, encoding="utf-8")
    return page


def test_a_lossy_path_is_red_on_the_screen_by_day_and_by_night_and_on_paper(tmp_path: Path) -> None:
    page = page_of(tmp_path, "lossy-link")
    light, dark = (chromium.screenshot(page, scheme) for scheme in ("light", "dark"))
    assert light.brightness() > 200
    assert dark.brightness() < 80
    assert light.reds() > 100
    assert dark.reds() > 100
    assert sum(sheet.reds() for sheet in chromium.printed(page).sheets) > 100


def test_a_script_in_the_page_would_be_refused_and_said(tmp_path: Path) -> None:
    page = page_of(tmp_path, "healthy", rounds=3)
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", "<script>document.title = 1</script></body>"))
    with pytest.raises(AssertionError, match="Content Security Policy"):
        chromium.screenshot(page, "light", 300, 300)


@pytest.mark.parametrize(("scenario", "seed"), [("tour", "4"), ("ratelimit", "1")])
def test_a_router_that_answers_seldom_or_never_is_nowhere_red(tmp_path: Path, scenario: str, seed: str) -> None:
    # Behind it nothing is lost in these rounds: what is red would be the routers.
    page = page_of(tmp_path, scenario, "--seed", seed, rounds=20)
    text = page.read_text(encoding="utf-8")
    assert "°" in text
    assert 'class="verdict healthy"' in text
    assert 'class="lost"' not in text
    assert chromium.screenshot(page, "light").reds() == 0
    assert sum(sheet.reds() for sheet in chromium.printed(page).sheets) == 0


@pytest.mark.parametrize("scenario", ["tour", "loop", "silent-target"])
def test_on_paper_no_heading_is_left_alone_and_each_chart_stands_below_its_own(tmp_path: Path, scenario: str) -> None:
    printed = chromium.printed(page_of(tmp_path, scenario))
    found = []
    for sheet in printed.texts:
        lines = [line.strip() for line in sheet.splitlines() if line.strip()]
        for at, line in enumerate(lines):
            if line.startswith(HEADINGS):
                found.append(line)
                # An axis of five numbers, or a table's head and its first row.
                assert len(lines) > at + 5, f"{line} is left alone at the foot of a sheet"
    assert len(found) == len(HEADINGS)


def test_on_paper_a_row_is_whole_and_its_bars_are_wide_enough_to_read(tmp_path: Path) -> None:
    printed = chromium.printed(page_of(tmp_path, "lossy-link"))
    text = "\n".join(printed.texts)
    for words in ("ae2.cr3.mid.farline.example", "198.51.100.5", "AS64510 FARLINE", "IST", "UTC+05:30", "UTC"):
        assert words in text
    # A lost probe's bar is red in several columns of pixels, at least a millimetre apart from the next round's.
    sheet = printed.sheets[0]
    columns = {
        place % sheet.width
        for place, (red, green, blue) in enumerate(sheet.pixels())
        if red > 120 and red > 2 * green and red > 2 * blue and place % sheet.width > sheet.width // 2
    }
    assert max(columns) - min(columns) > 45

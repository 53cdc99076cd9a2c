from __future__ import annotations

import io

import pytest

from graftwork.cli.progress import BarProgress, CliProgress, LineProgress, make_progress
from graftwork.errors import Interrupted


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_begin_go_on_and_end():
    stream, clock = io.StringIO(), Clock()
    progress = LineProgress(stream, every=10, clock=clock)
    with progress.step("encoding", 1000) as step:
        for _ in range(5):
            clock.now += 4
            step.advance(200)
    assert stream.getvalue().splitlines() == [
        "encoding …",
        "encoding: 600 of 1,000, about 8.0 s left",
        "encoding: 1,000 of 1,000, done in 20 s",
    ]


def test_lines_and_bars_tell_how_it_goes():
    lines, bars = io.StringIO(), Terminal()
    clock = Clock()
    with LineProgress(lines, clock=clock).step("training", 2) as step:
        clock.now = 12
        step.show("loss ▇▃ 0.250")
        step.advance()
    assert "training: 1 of 2, about 12 s left; loss ▇▃ 0.250" in lines.getvalue()
    progress = BarProgress(bars)
    with progress.step("training", 2) as step:
        step.show("loss ▇▃ 0.250")
        step.advance()
        progress._bars.refresh()
    progress.close()
    assert "training  loss ▇▃ 0.250" in bars.getvalue()


def test_lines_say_where_a_step_broke_off():
    stream, clock = io.StringIO(), Clock()
    progress = LineProgress(stream, clock=clock)

    def work() -> None:
        with progress.step("encoding", 10) as step:
            step.advance(3)
            clock.now = 61
            progress.cancel()
            step.advance()

    with pytest.raises(Interrupted):
        work()
    assert stream.getvalue().splitlines()[-1] == "encoding: 3 of 10, stopped after 1 min 1 s"


def test_words_of_the_user_steer_no_terminal():
    stream = io.StringIO()
    LineProgress(stream).say("column \x1b[2J[bold]x[/bold]")
    assert stream.getvalue() == "column �[2J[bold]x[/bold]\n"


def test_bars_show_title_amount_and_markup_as_it_stands():
    stream = Terminal()
    progress = BarProgress(stream)
    with progress.step("reading [red]a.csv[/red]", 4) as step:
        step.advance(4)
        progress.say("found [bold]utf-8[/bold]")
        progress._bars.refresh()
    progress.close()
    shown = stream.getvalue()
    assert "reading [red]a.csv[/red]" in shown
    assert "found [bold]utf-8[/bold]" in shown
    assert "4/4" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")  # the cursor is back


def test_nested_steps_have_a_bar_each():
    progress = BarProgress(Terminal())
    with progress.step("outer", 2), progress.step("inner") as inner:
        inner.advance()
        assert len(progress._bars.tasks) == 2
    assert progress._bars.tasks == []
    progress.close()
    progress.close()


def test_the_stream_decides():
    assert type(make_progress(False, io.StringIO())) is LineProgress
    assert type(make_progress(False, Terminal())) is BarProgress
    assert type(make_progress(True, Terminal())) is CliProgress

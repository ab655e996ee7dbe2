import io

from rich.console import Console

from asterism.cli.progress import progress_bar


def shown(console):
    with progress_bar(console, "counting") as update:
        for done in range(5):
            update(done, 4)
    return console.file.getvalue()


def test_a_terminal_sees_the_bar():
    assert "counting" in shown(Console(file=io.StringIO(), force_terminal=True))


def test_a_pipe_and_a_quiet_console_see_nothing():
    assert shown(Console(file=io.StringIO())).strip() == ""
    assert shown(Console(file=io.StringIO(), force_terminal=True, quiet=True)).strip() == ""

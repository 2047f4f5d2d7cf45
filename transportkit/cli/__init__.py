"""The command line `tk`. It parses and prints; the work is done below it."""

from __future__ import annotations

import io
import os
import select
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout

import click

from ..errors import TransportkitError, did_you_mean
from .app import tk
from .interrupts import Interrupts

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `tk` and exit: 0 done, 1 a run failed, 2 wrong usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # Standard output may have been closed before the start: nobody sees what is written to it.
    unseen = io.StringIO() if sys.stdout is None else None
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names of files may hold bytes that are no text, as on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with Interrupts() as interrupts, redirect_stdout(unseen or sys.stdout):
            status = _status(arguments, interrupts)
        if unseen is None:
            sys.stdout.flush()
        elif unseen.getvalue():
            status = status or 1
    except OSError as error:
        # The reader has gone, or what takes the output is full: what is left in the buffer must
        # not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _say(_of_system(error))
        status = 1
    sys.exit(status)


def _status(arguments: list[str], interrupts: Interrupts) -> int:
    debug = "--debug" in arguments
    try:
        status = tk.main(arguments, prog_name="tk", standalone_mode=False)
        if status:
            # What it failed of may have been an interrupt, in whatever guise.
            interrupts.check()
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        text = " ".join(error.format_message().split()).rstrip(".")
        if isinstance(error, click.MissingParameter):
            from .slips import missing

            text = missing(error) or text
        if isinstance(error, click.NoSuchOption) and error.possibilities:
            near = did_you_mean(error.option_name, error.possibilities)
            text = f"No such option '{error.option_name}'; {near}"
        if error.ctx is not None:
            text += " See" if text.endswith("?") else "; see"
            text += f" {error.ctx.command_path} --help"
        _say(text)
        return error.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        # Click turns an interrupt into an Abort, and keeps the interrupt as its cause; likewise a
        # file that ends too early, which is no interrupt.
        if isinstance(stop.__cause__, EOFError):
            return _failed(stop.__cause__, debug)
        said = stop.__cause__ if isinstance(stop.__cause__, KeyboardInterrupt) else stop
        notes = [text for text in said.args if isinstance(text, str)]
        click.echo(f"Interrupted. {notes[0] if notes else 'Nothing was lost.'}", err=True)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_left():
            raise
        status = _failed(error, debug)
        return INTERRUPTED if interrupts.struck else status


def _reader_left() -> bool:
    """Whether nobody reads standard output any more; a pipe that broke may be another one."""
    try:
        watch = select.poll()
        watch.register(sys.stdout.fileno(), 0)
        return any(seen & (select.POLLERR | select.POLLHUP) for _, seen in watch.poll(0))
    except (AttributeError, OSError, ValueError):
        # There is no such question here; by far the most pipes that break are this one.
        return True


def _failed(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if isinstance(error, TransportkitError):
        _say(str(error))
        return error.exit_status
    hint = "" if debug else " (--debug shows the traceback)"
    if isinstance(error, OSError) and error.strerror:
        _say(_of_system(error) + hint)
        return 1
    text = " ".join(str(error).split()) or "no message"
    _say(f"{type(error).__name__}: {text}{hint}")
    return 1


def _of_system(error: OSError) -> str:
    """What the system refused, in its words, and of which file."""
    where = f"'{error.filename}'" if error.filename else "standard output or a file"
    return f"{where} cannot be written or read: {error.strerror}"


def _say(text: str) -> None:
    # Names of files may hold signs that end a line or command a terminal.
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    click.echo(f"Error: {shown}", err=True)

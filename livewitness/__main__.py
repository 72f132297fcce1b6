"""Entry of the command line: checks the packages, runs the command, turns errors into sentences and exit codes."""

import errno
import os
import sys

from livewitness.shadow import find_shadowed


def main() -> None:
    """Run ``livewitness``. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad input, 130 interrupted."""
    shadowed = find_shadowed()
    if shadowed is not None:
        sys.stderr.write(str(shadowed) + "\n")
        sys.exit(1)
    from core.allocator import share_arenas

    share_arenas()
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    import click

    from core.errors import LiveWitnessError
    from livewitness.cli import cli
    from livewitness.console import say_error

    code = 0
    try:
        # Without its own handling click returns the code that a command gave to `Context.exit`.
        ended = cli.main(args=arguments, prog_name="livewitness", standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
    except LiveWitnessError as error:
        say_error(error)
        code = error.exit_code
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("已中断 / interrupted\n")
        code = 130
    except BrokenPipeError:
        # The reader of our output has gone; say nothing more, not even at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        code = _disk_error(error)
    return code


def _disk_error(error: OSError) -> int:
    """A full or read-only disk is no defect: one sentence. Any other operating-system error is, and passes."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        raise error
    from core.errors import StorageError
    from livewitness.console import say_error

    where, why = error.filename or "", error.strerror
    say_error(StorageError("disk_unwritable", f"写不进去 {where}（{why}）。", f"Cannot write {where} ({why})."))
    return StorageError.exit_code


if __name__ == "__main__":
    main()

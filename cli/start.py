"""Where the command begins: Ctrl-C ends it in silence even while everything else is still being loaded."""

import signal

__all__ = ["main"]


def main() -> None:
    """Load and run the command line. Whoever had it ignore Ctrl-C (nohup, a script's background) still has."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from headgate.cli.main import main as run

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()

"""``livewitness restore``: see `livewitness.commands.backup`."""

from livewitness.commands.backup import restore as command

__all__ = ["command"]

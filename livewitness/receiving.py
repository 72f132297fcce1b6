"""What lies beside a recording that was taken in: entered in the log of its stream, with the recording's own hash."""

from core.errors import LiveWitnessError
from core.settings import Settings
from evidence.audit import Actor, local_actor
from evidence.receipt import Receipt, receive, sidecars_of
from evidence.staging import ExportContext
from livewitness.console import say_error
from livewitness.wiring import seal_options
from pipeline.backfill import Task
from store import streams
from store.engine import Database


class Receiver:
    """Takes in the files beside recordings: ``a.srt``, ``a.chat.json``, ``a-order.png`` for ``a.mp4``."""

    def __init__(self, settings: Settings, db: Database, actor: Actor | None = None) -> None:
        self._context = ExportContext(db, settings.data.absolute(), seal_options(settings), actor or local_actor())

    def take(self, task: Task) -> int:
        """How many files were new; what cannot be taken in is said, and the recording stays."""
        with self._context.db.read() as connection:
            stream = streams.get_stream(connection, task.job.stream)
        if stream is None:
            return 0
        original = Receipt(task.path, "recording", keep=False, sha256=task.job.content_sha256)
        try:
            added = receive(self._context, stream, [original, *map(Receipt, sidecars_of(task.path))])
        except LiveWitnessError as error:
            say_error(error)
            return 0
        return sum(bool(leaf["file"]) for leaf in added)

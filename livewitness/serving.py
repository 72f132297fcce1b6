"""What the service's application is given: settings turned into the limits, keys and rules of `api.context`."""

from functools import partial

from api.context import ApiContext, Searches, Watches
from claims.reload import ReloadingChecker
from core.egress import Egress
from core.fetch import Fetcher
from core.metrics import Metrics
from core.settings import Settings
from core.shapes import Json
from evidence.retention import RetentionPolicy
from evidence.stamping import read_ca
from livewitness import __version__
from livewitness.checks import SERVING, run_checks
from livewitness.commands.rules import rule_json
from livewitness.doorway import Doorway, oidc_of
from livewitness.trying import dry_run
from livewitness.wiring import seal_options
from store.engine import Database
from store.retention import RetentionClass


class RuleList:
    """The rules in force as JSON, loaded when somebody first asks and again when a pack changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._checker: ReloadingChecker | None = None

    def __call__(self) -> list[Json]:
        """All rules of all packs."""
        if self._checker is None:
            self._checker = ReloadingChecker(self._settings.packs, folder=self._settings.pack_folder)
        # Whoever has just put a pack in force wants to see it; no stream waits here.
        self._checker.current()
        self._checker.settle()
        return [rule_json(rule, pack) for pack in self._checker.current().packs for rule in pack.rules]


def context_of(  # noqa: PLR0917 - everything the application stands on, each once
    settings: Settings, doorway: Doorway, db: Database, searcher: Searches, watches: Watches, metrics: Metrics
) -> ApiContext:
    """The context of the application that ``livewitness serve`` runs."""
    return ApiContext(
        db=db,
        data_dir=settings.data.absolute(),
        searcher=searcher,
        ffmpeg=settings.ffmpeg,
        ffmpeg_user=settings.ffmpeg_user,
        version=__version__,
        checks=partial(run_checks, settings, SERVING),
        watches=watches,
        metrics=metrics,
        allow_internal_targets=settings.allow_internal_targets,
        hosts=doorway.hosts,
        accounts=settings.accounts,
        secure=doorway.secure,
        seal=seal_options(settings),
        authorities=tuple(read_ca(settings.tsa_ca)) if settings.tsa_ca else (),
        retention=RetentionPolicy(settings.retention_years, RetentionClass(settings.retention_class)),
        rules=RuleList(settings),
        packs=settings.packs,
        oidc=oidc_of(settings, doorway),
        fetcher=Fetcher(Egress(allow_internal=settings.allow_internal_targets)),
        archive=settings.archive,
        dry_run=partial(dry_run, settings.data.absolute()),
    )

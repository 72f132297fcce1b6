"""A small client of the service for programs: alerts as they come, search, clips, cases. Standard library only.

client = Client("http://127.0.0.1:8700", key="lw_…")
for event in client.events(): ...
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from core.errors import LiveWitnessError, Sentence
from core.shapes import Json

_CHUNK = 1 << 16


class ServiceError(LiveWitnessError):
    """What the service refused, in its own words; ``status`` is that of the answer."""

    def __init__(self, status: int, body: Json) -> None:
        hint = Sentence(body.get("hint_zh", ""), body.get("hint_en", "")) if body.get("hint_zh") else None
        super().__init__(str(body.get("code", "unknown")), str(body.get("zh", "")), str(body.get("en", "")), hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the service; go on after it with ``Client.events(after=cursor)``.

    One of the name ``reset`` says that something may be missing before what follows: load afresh what you keep.
    """

    cursor: int
    name: str
    data: Json


class Client:
    """One service, as one holder of a key. Every method raises `ServiceError` for what is refused.

    What creates something takes ``once``: the same word within a day makes the same thing once, so that a program may
    ask again after a lost answer.
    """

    def __init__(self, url: str, *, key: str = "", timeout_s: float = 60.0) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s = timeout_s

    def streams(self, *, shop: str = "") -> Iterator[Json]:
        """All streams by name, page by page."""
        yield from self._pages("/api/v1/streams", "streams", {"shop": shop})

    def alerts(self, *, stream: str = "", review: str = "", newest_first: bool = False) -> Iterator[Json]:
        """Alerts by wall time; ``review`` is open, acknowledged, dismissed or escalated."""
        order = "newest" if newest_first else "oldest"
        yield from self._pages("/api/v1/alerts", "alerts", {"stream": stream, "review": review, "order": order})

    def review(self, alert_id: str, action: str, *, seen: int = 0, note: str = "", assignee: str = "") -> Json:
        """Acknowledge, dismiss, escalate, assign or reopen an alert; ``seen`` is the last step one knows of."""
        body = {"action": action, "seen": seen, "note": note, "assignee": assignee}
        return self._ask("POST", f"/api/v1/alerts/{quote(alert_id, safe='')}/reviews", body=body)

    def search(self, query: str, **filters: str | float) -> Json:
        """Hits and how much was searched; filters as in ``GET /api/v1/search`` (``from_`` for ``from``)."""
        given = {name.rstrip("_"): value for name, value in filters.items()}
        return self._ask("GET", "/api/v1/search", {"q": query, **given})

    def cut(
        self,
        stream: str,
        start: float,
        end: float,
        output: Path,
        *,
        mode: Literal["copy", "exact"] = "copy",
        once: str = "",
    ) -> Json:
        """Cut a clip (seconds in the stream) and write it to ``output``; what the service says of it."""
        wanted = {"stream": stream, "start": start, "end": end, "mode": mode}
        about = self._ask("POST", "/api/v1/clips", body=wanted, once=once)
        self._download(about["url"], output)
        return about

    def package(self, case: str, stream: str, start: float, end: float, output: Path, *, once: str = "") -> Json:
        """Cut a package into a case, which is opened where there is none, and write it to ``output``."""
        address = f"/api/v1/cases/{quote(case, safe='')}"
        try:
            self._ask("GET", address)
        except ServiceError as error:
            if error.status != 404:
                raise
            self._ask("POST", "/api/v1/cases", body={"number": case})
        wanted = {"stream": stream, "start": start, "end": end}
        made = self._ask("POST", f"{address}/packages", body=wanted, once=once)
        self._download(f"{address}/exhibits/{made['id']}/file", output)
        return made

    def packs(self) -> Json:
        """Rule packs in force, one hash over them, and the drafts."""
        return self._ask("GET", "/api/v1/packs")

    def upload_pack(self, file: Path, *, once: str = "") -> Json:
        """Upload a rule pack as a draft; ``report`` has its own sentences that came out wrong."""
        return self._ask("POST", "/api/v1/packs", body=file.read_bytes(), once=once)

    def activate_pack(self, draft: str) -> Json:
        """Put a draft in force in place of another version of its pack; what is in force then."""
        return self._ask("POST", f"/api/v1/packs/{quote(draft, safe='')}/activate")

    def deactivate_pack(self, draft: str) -> Json:
        """Take a draft out of force; what is in force then."""
        return self._ask("POST", f"/api/v1/packs/{quote(draft, safe='')}/deactivate")

    def remove_pack(self, draft: str) -> None:
        """Remove a draft that is not in force."""
        self._ask("DELETE", f"/api/v1/packs/{quote(draft, safe='')}")

    def try_pack(self, draft: str, *, stream: str = "", once: str = "") -> Json:
        """Begin a dry run of a draft on what was said; ask for its ``number`` with `dry_run`."""
        return self._ask("POST", "/api/v1/dry-runs", body={"draft": draft, "stream": stream}, once=once)

    def dry_run(self, number: int) -> Json:
        """How a dry run fares; ``result`` once it is done."""
        return self._ask("GET", f"/api/v1/dry-runs/{number}")

    def dry_runs(self) -> list[Json]:
        """The last dry runs, the newest first, without their changes."""
        found: list[Json] = self._ask("GET", "/api/v1/dry-runs")["runs"]
        return found

    def cancel_dry_run(self, number: int) -> Json:
        """Give a dry run up."""
        return self._ask("DELETE", f"/api/v1/dry-runs/{number}")

    def backfill(self, *, path: str = "", url: str = "", shop: str = "", product: str = "", once: str = "") -> Json:
        """Work through a path of the archive folder, or the recording at an address; its ``number`` and state."""
        wanted = {"path": path, "url": url, "shop": shop, "product": product}
        return self._ask("POST", "/api/v1/backfills", body=wanted, once=once)

    def backfills(self) -> Iterator[Json]:
        """All backfills, the newest first, page by page."""
        yield from self._pages("/api/v1/backfills", "backfills", {}, by="before")

    def backfill_of(self, number: int) -> Json:
        """How far a backfill is."""
        return self._ask("GET", f"/api/v1/backfills/{number}")

    def cancel_backfill(self, number: int) -> Json:
        """Give a backfill up; what is recorded stays."""
        return self._ask("POST", f"/api/v1/backfills/{number}/cancel")

    def archive(self, folder: str = "") -> list[Json]:
        """What one folder of the archive holds; ``path`` is what `backfill` takes."""
        found: list[Json] = self._ask("GET", "/api/v1/archive", {"folder": folder})["entries"]
        return found

    def past_events(self, *, after: int = 0, stream: str = "", limit: int = 100) -> Json:
        """A page of events so far: ``events``, the ``next`` cursor, and ``reset`` where something may be missing."""
        return self._ask("GET", "/api/v1/events/list", {"after": after, "stream": stream, "limit": limit})

    def ways(self) -> Json:
        """Which ways to sign in there are."""
        return self._ask("GET", "/api/v1/session/ways")

    def events(self, *, after: int | None = None, stream: str = "", timeout_s: float = 60.0) -> Iterator[Event]:
        """Events from the one after ``after`` on, then live; ends when nothing came for ``timeout_s``."""
        given = {"stream": stream} if after is None else {"stream": stream, "after": after}
        with self._open("GET", f"/api/v1/events?{urlencode(given)}", None, timeout_s) as answer:
            fields: dict[str, str] = {}
            try:
                for line in answer:
                    name, _, value = line.decode("utf-8").rstrip("\n").partition(": ")
                    if name:
                        fields[name] = value
                    elif "id" in fields:
                        yield Event(int(fields["id"]), fields.get("event", ""), json.loads(fields["data"]))
                        fields = {}
            except TimeoutError:
                return

    def _pages(self, path: str, name: str, given: dict[str, Any], *, by: str = "after") -> Iterator[Json]:
        place: Any = ""
        while place is not None:
            page = self._ask("GET", path, given | {by: place})
            yield from page[name]
            place = page["next"]

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Json | bytes | None = None,
        *,
        once: str = "",
    ) -> Json:
        given = {name: value for name, value in (query or {}).items() if value not in ("", None)}
        whole = f"{path}?{urlencode(given)}" if given else path
        with self._open(method, whole, body, self._timeout_s, once) as answer:
            text = answer.read()
            found: Json = json.loads(text) if text else {}
            return found

    def _download(self, path: str, output: Path) -> None:
        with self._open("GET", path, None, self._timeout_s) as answer, output.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)

    def _open(self, method: str, path: str, body: Json | bytes | None, timeout_s: float, once: str = "") -> Any:  # noqa: ANN401 - as urllib
        kind = "application/yaml" if isinstance(body, bytes) else "application/json"
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = self._headers | ({"Content-Type": kind} if data is not None else {})
        headers |= {"Idempotency-Key": once} if once else {}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - the caller's URL
        try:
            return urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310 - the caller's URL
        except urllib.error.HTTPError as error:
            with error:
                raise ServiceError(error.code, _told(error.read())) from error


def _told(text: bytes) -> Json:
    try:
        found: Json = json.loads(text)
    except ValueError:
        found = {"code": "no_json", "en": text[:200].decode("utf-8", "replace")}
    return found

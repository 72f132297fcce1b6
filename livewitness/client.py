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
    """One service, as one holder of a key. Every method raises `ServiceError` for what is refused."""

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
        self, stream: str, start: float, end: float, output: Path, *, mode: Literal["copy", "exact"] = "copy"
    ) -> Json:
        """Cut a clip (seconds in the stream) and write it to ``output``; what the service says of it."""
        about = self._ask("POST", "/api/v1/clips", body={"stream": stream, "start": start, "end": end, "mode": mode})
        self._download(about["url"], output)
        return about

    def package(self, case: str, stream: str, start: float, end: float, output: Path) -> Json:
        """Cut a package into a case, which is opened where there is none, and write it to ``output``."""
        address = f"/api/v1/cases/{quote(case, safe='')}"
        try:
            self._ask("GET", address)
        except ServiceError as error:
            if error.status != 404:
                raise
            self._ask("POST", "/api/v1/cases", body={"number": case})
        made = self._ask("POST", f"{address}/packages", body={"stream": stream, "start": start, "end": end})
        self._download(f"{address}/exhibits/{made['id']}/file", output)
        return made

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

    def _pages(self, path: str, name: str, given: dict[str, Any]) -> Iterator[Json]:
        after: Any = ""
        while after is not None:
            page = self._ask("GET", path, given | {"after": after})
            yield from page[name]
            after = page["next"]

    def _ask(self, method: str, path: str, query: dict[str, Any] | None = None, body: Json | None = None) -> Json:
        given = {name: value for name, value in (query or {}).items() if value not in ("", None)}
        with self._open(method, f"{path}?{urlencode(given)}" if given else path, body, self._timeout_s) as answer:
            found: Json = json.load(answer)
            return found

    def _download(self, path: str, output: Path) -> None:
        with self._open("GET", path, None, self._timeout_s) as answer, output.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)

    def _open(self, method: str, path: str, body: Json | None, timeout_s: float) -> Any:  # noqa: ANN401 - as urllib
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if data is not None else {})
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

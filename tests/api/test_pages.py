"""The pages load nothing from elsewhere, run nothing inline, and show what the API has."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.reference import render_reference
from evidence.negative import THRESHOLD

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "api" / "web" / "static"
PAGES = sorted((STATIC.parent / "templates").glob("*.html"))


class Page(HTMLParser):
    """Addresses a page loads, and anything inline that the policy would forbid."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for key in ("src", "href") if (value := given.get(key))]
        self.inline += [key for key in given if key.startswith("on") or key == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


@pytest.mark.parametrize(
    "path",
    ["/", "/search", "/replay/s", "/cases", "/cases/1", "/operations", "/retention", "/audit", "/accounts", "/docs"],
)
def test_pages_are_served_and_keep_to_themselves(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["Content-Type"].startswith("text/html")
    page = Page(answer.text)
    assert page.inline == []
    for address in page.addresses:
        if address.startswith("#"):
            continue
        assert address.startswith("/"), address
        assert not address.startswith("//")
        assert client.get(address).status_code == 200, address


def test_modules_import_only_each_other(client: TestClient) -> None:
    waiting, seen = [*re.findall(r"/static/([a-z-]+\.js)", "".join(p.read_text() for p in PAGES))], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        answer = client.get(f"/static/{name}")
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert "http" not in re.sub(r"//.*", "", answer.text)
        assert "innerHTML" not in answer.text
        waiting += set(re.findall(r'from "\./([a-z-]+\.js)"', answer.text)) - seen
    assert seen == {path.name for path in STATIC.glob("*.js")}


def test_elements_the_script_needs_are_on_the_page(client: TestClient) -> None:
    for page in PAGES:
        shown = page.read_text() + (page.parent / "base.html").read_text()
        for name in re.findall(r"/static/([a-z-]+\.js)", page.read_text()):
            for wanted in re.findall(r'(?:getElementById|byId)\("([a-z]+)"\)', client.get(f"/static/{name}").text):
                assert f'id="{wanted}"' in shown, (page, wanted)


def test_what_counts_as_found_is_what_speaks_against_a_negative_result() -> None:
    assert f"export const FOUND = {THRESHOLD};" in (STATIC / "hits.js").read_text()


def test_every_action_of_the_audit_chain_has_words(client: TestClient) -> None:
    named = re.compile(r'(?:note(?:_view)?\(\w+|append_audit\([\w.]+, [^,"]+), "([a-z.]+)"')
    sources = [path for folder in ("api", "livewitness", "evidence") for path in (ROOT / folder).rglob("*.py")]
    kinds = {kind for path in sources for kind in named.findall(path.read_text("utf-8"))}
    assert len(kinds) > 50
    page = client.get("/static/actions.js").text
    assert [kind for kind in sorted(kinds) if not re.search(rf'"?{re.escape(kind)}"?: \["', page)] == []


def test_the_reference_lists_every_operation(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    page = client.get("/docs").text
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert {"/health", "/api/v1/search", "/api/v1/clips", "/api/v1/clips/{clip_id}"} <= document["paths"].keys()


def test_the_reference_escapes_what_it_shows() -> None:
    bad = "<script>alert(1)</script>"
    parameter = {"name": bad, "in": bad, "schema": {"type": bad, "default": bad}, "description": bad, "required": False}
    operation = {
        "summary": bad,
        "description": bad,
        "parameters": [parameter],
        "responses": {bad: {"description": bad}},
    }
    page = render_reference({"info": {"version": bad}, "paths": {f"/{bad}": {"get": operation}}})
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 9


@pytest.mark.parametrize(
    ("reads", "cookie", "speaks"),
    [("zh-CN,zh;q=0.9", "", "zh"), ("de", "", "both"), ("", "", "both"), ("zh", "en", "en"), ("zh", 'x"><b>', "zh")],
)
def test_chinese_is_the_default_and_english_stands_beside_it_for_others(
    client: TestClient, reads: str, cookie: str, speaks: str
) -> None:
    given = {"Accept-Language": reads} | ({"Cookie": f"livewitness_speak={cookie}"} if cookie else {})
    assert f'data-speak="{speaks}"' in client.get("/", headers=given).text


def test_light_and_dark_are_remembered(client: TestClient) -> None:
    assert 'data-theme="auto"' in client.get("/").text
    assert 'data-theme="dark"' in client.get("/", headers={"Cookie": "livewitness_theme=dark"}).text

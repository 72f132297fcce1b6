"""What a source refers to leads nowhere inside: a canary on loopback is hit by nothing, whatever a playlist says."""

import base64
import contextlib
import socket
import subprocess

import pytest

from core.egress import Egress, system_resolver
from core.errors import LiveWitnessError
from ingest.commands import ffmpeg_path, hls_serving
from ingest.process import landlock_version
from ingest.session import ReconnectPolicy, StreamRecorder
from ingest.sources import parse_source
from tests.ingest.canary import Server

ONCE = ReconnectPolicy(first_delay_s=0.05, max_delay_s=0.05, give_up_after_s=0)
PUBLIC = "8.8.8.8"


class Internet:
    """Names and addresses of a public server, which is ``outside`` on loopback; everything else is what it is."""

    def __init__(self, outside):
        self._outside = outside
        self._connect = socket.create_connection
        self.answers = {"live.example": [[PUBLIC]]}
        self.connected = []

    def resolve(self, host, port):
        answers = self.answers.get(host)
        if answers is None:
            return system_resolver(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address, timeout):
        self.connected.append(address[0])
        inner = ("127.0.0.1", self._outside.port) if address[0] == PUBLIC else address
        return self._connect(inner, timeout)


@pytest.fixture(scope="module")
def pieces(media, tmp_path_factory):
    """An HLS stream of four segments as bytes by path."""
    folder = tmp_path_factory.mktemp("hls")
    argv = hls_serving(ffmpeg_path(), media / "clicks.mp4", folder, realtime=False)
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL, timeout=60)
    return {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def canary(media):
    segment = (media / "clicks.ts").read_bytes()
    with Server(dict.fromkeys(("/x.ts", "/key.ts", "/v.m3u8"), segment)) as server:
        yield server


@pytest.fixture
def outside(pieces):
    with Server(pieces) as server:
        yield server


@pytest.fixture
def internet(outside, monkeypatch):
    double = Internet(outside)
    monkeypatch.setattr("core.egress.socket.create_connection", double.connect)
    return double


def record(address, data, listener, internet):
    """Record as the service does for sources of strangers; errors for people are an outcome like any other."""
    guard = Egress(resolve=internet.resolve)
    with contextlib.suppress(LiveWitnessError):
        return StreamRecorder(
            "room", parse_source(address), data, listener, segment_seconds=2, policy=ONCE, egress=guard
        ).run()
    return None


def playlist(*lines, end="#EXT-X-ENDLIST"):
    if any("STREAM-INF" in line for line in lines):
        return "\n".join(["#EXTM3U", *lines, ""]).encode()
    head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0"]
    return "\n".join([*head, *lines, end, ""]).encode()


LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "0",
    "localhost",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "user@127.0.0.1",
    "live.example@127.0.0.1",
    "inside.example",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_playlist_entry_on_an_internal_host_is_not_fetched(host, tmp_path, listener, internet, outside, canary):
    internet.answers["inside.example"] = [["127.0.0.1"]]
    for scheme in ("http", "https"):
        outside.pages["/bad.m3u8"] = playlist("#EXTINF:2,", canary.url("/x.ts", host, scheme))
        record("http://live.example/bad.m3u8", tmp_path, listener, internet)
    assert outside.hits == ["/bad.m3u8"] * 2
    assert canary.hits == [] and listener.segments == []


ENTRIES = {
    "key": ['#EXT-X-KEY:METHOD=AES-128,URI="{inside}/key.ts",IV=0x00000000000000000000000000000001', "{good}"],
    "init segment": ['#EXT-X-MAP:URI="{inside}/x.ts"', "{good}"],
    "variant": ["#EXT-X-STREAM-INF:BANDWIDTH=1000000", "{inside}/v.m3u8"],
    "audio rendition": [
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,URI="{inside}/v.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO="a"',
        "live.m3u8",
    ],
    "part of a file": ["#EXT-X-BYTERANGE:1000@0", "#EXTINF:2,", "{inside}/x.ts"],
}
SCHEMES = [
    "concat:{inside}/x.ts|{inside}/x.ts",
    "subfile,,start,0,end,0,,:{inside}/x.ts",
    "crypto:{inside}/x.ts",
    "crypto+{inside}/x.ts",
    "async:{inside}/x.ts",
    "cache:{inside}/x.ts",
    "tcp://{host}/x.ts",
    "tls://{host}/x.ts",
    "ftp://{host}/x.ts",
    "gopher://{host}/x.ts",
    "rtmp://{host}/live/x.ts",
    "rtsp://{host}/x.ts",
    "ws://{host}/x.ts",
]
if landlock_version() >= 4:  # elsewhere nothing keeps ffmpeg from taking its own proxy protocol for an address
    SCHEMES += ["httpproxy://{host}/x.ts", "crypto+httpproxy://{host}/x.ts"]


@pytest.mark.parametrize("lines", [*ENTRIES.values(), *(["#EXTINF:2,", entry] for entry in SCHEMES)])
def test_nothing_else_that_a_playlist_names_leads_inside(lines, tmp_path, listener, internet, outside, canary):
    names = {"inside": canary.url(""), "host": f"127.0.0.1:{canary.port}", "good": "#EXTINF:2,\nlive00000.ts"}
    key = '#EXT-X-KEY:METHOD=AES-128,URI="live00000.ts"' if "crypto" in lines[-1] else "#"
    outside.pages["/bad.m3u8"] = playlist(key, *(line.format(**names) for line in lines))
    record("http://live.example/bad.m3u8", tmp_path, listener, internet)
    assert "/bad.m3u8" in outside.hits
    assert canary.hits == []


@pytest.mark.parametrize(
    "entry",
    [
        "{path}",
        "file:{path}",
        "file://{path}",
        "concat:{path}|{path}",
        "subfile,,start,0,end,99999,,:{path}",
        "crypto:file:{path}",
        "fd:0",
        "pipe:0",
        "data:video/mp2t;base64,{base64}",
    ],
)
def test_a_playlist_cannot_name_local_files_or_bring_its_own_bytes(
    entry, tmp_path, listener, internet, outside, media, pieces
):
    secret = tmp_path / "secret.ts"
    secret.write_bytes((media / "clicks.ts").read_bytes())
    short = base64.b64encode(pieces["/live00000.ts"]).decode()
    outside.pages["/bad.m3u8"] = playlist("#EXTINF:2,", entry.format(path=secret, base64=short))
    record("http://live.example/bad.m3u8", tmp_path / "data", listener, internet)
    assert outside.hits[0] == "/bad.m3u8"
    assert listener.segments == [] and listener.blocks == []


def test_redirects_to_the_inside_are_not_followed(tmp_path, listener, internet, outside, canary):
    outside.pages |= {
        "/one.m3u8": (302, "http://live.example/two.m3u8"),
        "/two.m3u8": (307, canary.url("/v.m3u8")),
        "/x.ts": (301, canary.url("/x.ts", "2130706433")),
        "/list.m3u8": playlist("#EXTINF:2,", "x.ts"),
    }
    record("http://live.example/one.m3u8", tmp_path, listener, internet)
    record("http://live.example/list.m3u8", tmp_path, listener, internet)
    assert outside.hits == ["/one.m3u8", "/two.m3u8", "/list.m3u8", "/x.ts"]
    assert canary.hits == [] and listener.segments == []


def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked(
    tmp_path, listener, internet, outside, canary
):
    """Rebinding: the first answer is public, every later one is loopback. One look-up decides one connection."""
    internet.answers["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    outside.pages["/bad.m3u8"] = playlist(
        *(line for _ in range(3) for line in ("#EXTINF:2,", f"http://rebind.example:{canary.port}/x.ts"))
    )
    outside.pages["/x.ts"] = outside.pages["/live00000.ts"]
    record("http://live.example/bad.m3u8", tmp_path, listener, internet)
    assert outside.hits == ["/bad.m3u8", "/x.ts"]
    assert set(internet.connected) == {PUBLIC} and canary.hits == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/v.m3u8",
        "https://localhost:{port}/v.m3u8",
        "http://0x7f.1:{port}/x.ts",
        "rtmp://127.0.0.1:{port}/live/room",
        "rtmps://2130706433:{port}/live/room",
        "rtsp://[::ffff:127.0.0.1]:{port}/x",
        "rtsps://127.0.0.1:{port}/x",
        "srt://127.0.0.1:{port}",
        "srt://live.example:9000?mode=listener",
    ],
)
def test_a_source_of_a_stranger_on_an_internal_host_is_not_opened(address, tmp_path, listener, internet):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        running = StreamRecorder(
            "room",
            parse_source(address.format(port=canary.getsockname()[1])),
            tmp_path,
            listener,
            policy=ONCE,
            egress=Egress(resolve=internet.resolve),
        )
        with pytest.raises(LiveWitnessError, match=r"source_guarded|bad_source"):
            running.run()
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_what_the_operator_wrote_down_may_be_internal_but_not_what_it_refers_to(
    tmp_path, listener, outside, canary, tools
):
    good = StreamRecorder("good", parse_source(outside.url("/live.m3u8")), tmp_path, listener, policy=ONCE)
    assert good.run().reason == "ended" and len(listener.segments) > 2
    outside.pages["/bad.m3u8"] = playlist("#EXTINF:2,", "live00000.ts", "#EXTINF:2,", canary.url("/x.ts"))
    other = tools.listener()
    StreamRecorder("bad", parse_source(outside.url("/bad.m3u8")), tmp_path, other, policy=ONCE).run()
    assert other.segments and canary.hits == []


def test_the_environment_cannot_lead_past_the_guard(tmp_path, listener, internet, outside, canary, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, canary.url(""))
    monkeypatch.setenv("no_proxy", "*")
    outside.pages["/bad.m3u8"] = playlist("#EXTINF:2,", canary.url("/x.ts"))
    record("http://live.example/bad.m3u8", tmp_path, listener, internet)
    assert outside.hits == ["/bad.m3u8"] and canary.hits == []


def test_an_hls_stream_of_the_open_internet_is_recorded_through_the_guard(tmp_path, listener, internet, outside):
    end = record("http://live.example/live.m3u8", tmp_path, listener, internet)
    assert (end.reason, end.recorded_ms) == ("ended", pytest.approx(12_000, abs=100))
    assert set(internet.connected) == {PUBLIC}

"""Ways of ffmpeg to a source: what it is given in place of the address, and that each way records."""

import os
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.egress import Egress, EgressError
from core.errors import BadInputError, SourceError
from ingest.commands import ffmpeg_path
from ingest.route import endpoint, naming, open_route, plain_environment, rtmp_app
from ingest.session import ReconnectPolicy, StreamRecorder
from ingest.sources import Source, parse_source
from tests.ingest.canary import Server
from tests.ingest.rtsp_server import RtspServer

ONCE = ReconnectPolicy(first_delay_s=0.05, max_delay_s=0.05, give_up_after_s=0)


def route_of(address, answers=("8.8.8.8",)):
    with open_route(parse_source(address), Egress(resolve=lambda _host, _port: answers)) as route:
        return route


def test_credentials_of_the_proxy_are_in_the_environment_not_on_the_command_line():
    route = route_of("https://live.example/a.m3u8")
    assert route.url == "https://live.example/a.m3u8" and not route.options
    assert f"@127.0.0.1:{route.ports[0]}" in route.environment["http_proxy"]


def test_rtmp_goes_to_our_port_and_the_server_still_hears_its_name():
    route = route_of("rtmp://me:pass@live.example/app/room?key=1")
    assert route.url == f"rtmp://me:pass@127.0.0.1:{route.ports[0]}/app/room?key=1"
    assert route.options == {"rtmp_tcurl": "rtmp://live.example:1935/app"}
    assert route_of("rtmps://live.example/app/room").url.startswith("rtmp://127.0.0.1:")


def test_srt_goes_to_the_checked_address():
    assert route_of("srt://live.example:9000?streamid=a").url == "srt://8.8.8.8:9000?streamid=a"
    assert route_of("srt://live.example:9000", ["2606:4700::1111"]).url == "srt://[2606:4700::1111]:9000"
    with pytest.raises(EgressError):
        route_of("srt://live.example:9000", ["10.0.0.1"])
    for mode in ("listener", "rendezvous", ""):
        with pytest.raises(BadInputError):
            route_of(f"srt://live.example:9000?mode={mode}")


@pytest.mark.parametrize(
    ("path", "app"),
    [
        ("live/room", "live"),
        ("live", "live"),
        ("live/instance/room", "live/instance"),
        ("live/mp4:folder/room", "live"),
        ("ondemand/a/b", "ondemand"),
        ("live?vhost=a/room", "live?vhost=a"),
        ("", ""),
    ],
)
def test_the_application_of_an_rtmp_address(path, app):
    assert rtmp_app(Source("rtmp", f"rtmp://live.example/{path}")) == app


def test_only_the_host_and_port_that_were_written_down_are_named():
    source = parse_source("http://CAM.example:8080/live.m3u8")
    assert endpoint(source) == ("cam.example", 8080)
    assert naming(Egress(), source).named == {("cam.example", 8080)}
    assert naming(Egress(), Source("file", "/a.mp4")).named == frozenset()


def test_ffmpeg_gets_no_secrets_of_our_environment(monkeypatch):
    monkeypatch.setenv("LIVEWITNESS_SECRET", "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert not {"LIVEWITNESS_SECRET", "HTTPS_PROXY"} & set(plain_environment())


def test_srt_is_recorded(media, tmp_path, listener, tools):
    port = tools.free_port()
    argv = [ffmpeg_path(), "-v", "error", "-nostdin", "-readrate", "2", "-i", str(media / "clicks.ts"), "-c", "copy"]
    argv += ["-f", "mpegts", f"srt://127.0.0.1:{port}?mode=listener&linger=0"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        source = parse_source(f"srt://127.0.0.1:{port}")
        StreamRecorder("room", source, tmp_path, listener, policy=ONCE, silent_after_s=2).run()
        server.kill()
    assert listener.epochs[0].video_codec == "h264"
    assert sum(s.end_ms - s.start_ms for s in listener.segments) > 8_000


def test_a_recorder_that_runs_as_root_can_let_ffmpeg_be_nobody(media, tmp_path, listener, byte_server):
    """Without root there is nobody to become, which is said."""
    server = byte_server((media / "clicks.ts").read_bytes())
    source = parse_source(server.url)
    running = StreamRecorder("room", source, tmp_path, listener, policy=ONCE, ffmpeg_user="nobody")
    if os.geteuid():
        with pytest.raises(BadInputError, match="cannot_switch_user"):
            running.run()
        return
    running.run()
    assert listener.segments
    assert all((tmp_path / s.path).stat().st_uid == 0 for s in listener.segments)
    assert (tmp_path / "streams/room/0001/open").exists() is False or not list(
        (tmp_path / "streams/room/0001/open").iterdir()
    )


def test_rtsp_is_recorded_and_the_server_hears_its_own_name(tmp_path, listener):
    with RtspServer() as server:
        egress = Egress(resolve=lambda _host, _port: ["127.0.0.1"]).naming("cam.example", server.port)
        source = parse_source(f"rtsp://cam.example:{server.port}/live")
        options = {"policy": ONCE, "egress": egress, "silent_after_s": 2}
        StreamRecorder("room", source, tmp_path, listener, **options).run()
    assert {url.split("/")[2] for _, url in server.asked} == {f"cam.example:{server.port}"}
    assert {"DESCRIBE", "SETUP", "PLAY"} <= {method for method, _ in server.asked}
    assert listener.epochs[0].audio_codec == "pcm_mulaw"
    assert listener.segments


def test_an_rtsp_server_cannot_send_ffmpeg_elsewhere(tmp_path, listener):
    with RtspServer() as inside, RtspServer(redirect=f"rtsp://127.0.0.1:{inside.port}/x") as server:
        source = parse_source(f"rtsp://127.0.0.1:{server.port}/live")
        with pytest.raises(SourceError, match="source_guarded"):
            StreamRecorder("room", source, tmp_path, listener, policy=ONCE).run()
    assert server.asked and not inside.asked


def certificate(folder):
    """A key and a certificate for cam.example, which is its own authority; and the server's TLS with them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("cam.example")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert.pem")
    return tls


@pytest.mark.parametrize(("host", "trusted"), [("cam.example", True), ("cam.example", False), ("other.example", True)])
def test_https_is_recorded_from_a_server_whose_certificate_holds_and_from_no_other(
    host, trusted, media, tmp_path, listener, monkeypatch
):
    tls = certificate(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with Server({"/live.ts": (media / "clicks.ts").read_bytes()}, tls=tls) as server:
        egress = Egress(resolve=lambda _host, _port: ["127.0.0.1"]).naming(host, server.port)
        source = parse_source(server.url("/live.ts", host, "https"))
        running = StreamRecorder("room", source, tmp_path / "data", listener, policy=ONCE, egress=egress)
        if host == "cam.example" and trusted:
            running.run()
            assert sum(s.end_ms - s.start_ms for s in listener.segments) > 11_000
        else:
            with pytest.raises(SourceError, match="source_certificate"):
                running.run()
            assert server.hits == []
